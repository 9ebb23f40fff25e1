# SPDX-License-Identifier: GPL-2.0
"""Validates lines of halfopen against docs/schema."""
import functools
import json
import os

import jsonschema

SCHEMAS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "schema")


@functools.lru_cache
def validator(kind):
    with open(os.path.join(SCHEMAS, kind + ".json")) as f:
        schema = json.load(f)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def check(lines, whole=True):
    """Every line is valid for its kind; the first is meta; in a whole stream seq counts."""
    for number, line in enumerate(lines):
        kind = line["schema"].split(".")[1].split("/")[0]
        errors = list(validator(kind).iter_errors(line))
        assert not errors, (errors[0].message, line)
        assert line["seq"] == number if whole else line["seq"] >= number
        assert (kind == "meta") == (number == 0)
