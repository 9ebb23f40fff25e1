// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act/sysctl_files.h"

/* A file hides those of the same name in later directories. */
static const char *const directories[] = {
	"/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d",
	"/lib/sysctl.d",
};

struct file {
	char name[256];
	char path[1024];
};

struct files {
	struct file *all;
	unsigned int count;
};

static void add(struct files *files, const char *directory, const char *name)
{
	struct file *bigger;
	unsigned int i;

	for (i = 0; i < files->count; i++)
		if (!strcmp(files->all[i].name, name))
			return;
	bigger = realloc(files->all, (files->count + 1) * sizeof(*bigger));
	if (!bigger)
		return;
	files->all = bigger;
	snprintf(files->all[files->count].name, sizeof(bigger->name), "%s", name);
	snprintf(files->all[files->count].path, sizeof(bigger->path), "%s/%s", directory, name);
	files->count++;
}

static void list(struct files *files, const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (!fnmatch("*.conf", entry->d_name, FNM_PERIOD))
			add(files, directory, entry->d_name);
	closedir(dir);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

/* If the first separator is a slash, slashes separate and dots are part of names. */
static void with_dots(char *key)
{
	char *first = strpbrk(key, "./");

	if (!first || *first == '.')
		return;
	for (; *key; key++)
		*key = *key == '/' ? '.' : *key == '.' ? '/' : *key;
}

/* The value that `line` sets for `key`, NULL if it sets something else. */
static char *value_for(char *line, const char *key)
{
	char *name = trim(line), *equals = strchr(name, '=');

	if (*name == '#' || *name == ';' || !equals)
		return NULL;
	*equals = '\0';
	if (*name == '-')
		name++;
	name = trim(name);
	with_dots(name);
	return fnmatch(name, key, 0) ? NULL : trim(equals + 1);
}

static bool search(const char *path, const char *shown, const char *key,
		   struct sysctl_setting *setting)
{
	FILE *f = fopen(path, "re");
	unsigned int number = 0;
	bool found = false;
	char line[1024];

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		const char *value = value_for(line, key);

		number++;
		if (!value)
			continue;
		found = true;
		snprintf(setting->file, sizeof(setting->file), "%s", shown);
		snprintf(setting->value, sizeof(setting->value), "%s", value);
		setting->line = number;
	}
	fclose(f);
	return found;
}

bool sysctl_files__find(const char *root, const char *key, struct sysctl_setting *setting)
{
	struct files files = { 0 };
	bool found = false;
	char path[700];
	unsigned int i;

	for (i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", root, directories[i]);
		list(&files, path);
	}
	if (files.count)
		qsort(files.all, files.count, sizeof(*files.all), by_name);
	for (i = 0; i < files.count; i++)
		found |= search(files.all[i].path, files.all[i].path + strlen(root), key, setting);
	snprintf(path, sizeof(path), "%s/etc/sysctl.conf", root);
	found |= search(path, "/etc/sysctl.conf", key, setting);
	free(files.all);
	return found;
}
