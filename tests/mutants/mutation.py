# SPDX-License-Identifier: GPL-2.0
"""Mutations of single lines of C: operators exchanged, comparisons shifted, constants changed by one,
conditions negated, statements deleted, values returned changed."""
import re

EXCHANGED = {
    "==": ["!="], "!=": ["=="], "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="],
    ">=": [">", "<"], "&&": ["||"], "||": ["&&"], "+": ["-"], "-": ["+"], "*": ["/"], "/": ["*"],
    "<<": [">>"], ">>": ["<<"], "&": ["|"], "|": ["&"], "+=": ["-="], "-=": ["+="], "|=": ["&="],
    "++": ["--"], "--": ["++"],
}
# Binary operators stand between blanks (.clang-format sees to it): no pointer is taken for a product.
BINARY = re.compile(r"(?<= )(==|!=|<=|>=|<<|>>|&&|\|\||\+=|-=|\|=|[-+*/<>&|])(?= |$)")
STEP = re.compile(r"\+\+|--")
NUMBER = re.compile(r"(?<![\w.])(\d+)(?=(?:ULL|UL|U|LL|L)?(?![\w.]))")
NEGATION = re.compile(r"(?<![\w)])!(?=[\w(*])")
CONDITION = re.compile(r"^(\s*(?:\} else )?(?:if|while) )\((.*)\)( \{)?$")
RETURN = re.compile(r"^(\s*return )(.+);$")
STATEMENT = re.compile(r"^\t+(?!return\b|\}|case\b|default\b|else\b|goto\b|struct\b|const\b|static\b|enum\b"
                       r"|unsigned\b|bool\b|int\b|char\b|double\b|u?int\d+_t\b|size_t\b|void\b).*;$")
BOOLEAN = {"true": "false", "false": "true"}


def code_of(text):
    """The lines of TEXT, with comments and what stands in quotes blanked out."""
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.DOTALL).split("\n")


def spans_of(code):
    """Of one line of code: (start, end, what is put there) of each mutation."""
    for m in BINARY.finditer(code):
        for other in EXCHANGED[m.group(1)]:
            yield m.start(), m.end(), other
    for m in STEP.finditer(code):
        yield m.start(), m.end(), EXCHANGED[m.group(0)][0]
    for m in NUMBER.finditer(code):
        yield m.start(), m.end(), str(int(m.group(1)) + 1)
        if int(m.group(1)):
            yield m.start(), m.end(), str(int(m.group(1)) - 1)
    for m in NEGATION.finditer(code):
        yield m.start(), m.end(), ""
    m = CONDITION.match(code.rstrip())
    if m and is_balanced(m.group(2)):
        yield m.start(2), m.end(2), None
    m = RETURN.match(code.rstrip())
    if m:
        yield m.start(2), m.end(2), BOOLEAN.get(m.group(2), "0")
    if STATEMENT.match(code.rstrip()) and is_balanced(code):
        yield len(code) - len(code.lstrip()), len(code.rstrip()), ";"


def is_balanced(code):
    depth = 0
    for c in code:
        depth += (c == "(") - (c == ")")
        if depth < 0:
            return False
    return not depth


def mutations_of(text):
    """(number of the line from 1, the line as it is, the line as it becomes) of all mutations, grouped
    by line."""
    lines, by_line = text.split("\n"), []
    for number, (line, code) in enumerate(zip(lines, code_of(text)), 1):
        if not code.startswith("\t") or code.lstrip().startswith("#"):
            continue
        becomes = {}
        for start, end, put in spans_of(code):
            put = f"!({line[start:end]})" if put is None else put
            becomes[line[:start] + put + line[end:]] = True
        becomes.pop(line, None)
        if becomes:
            by_line.append([(number, line, other) for other in becomes])
    return by_line
