/* replay_main.c - runs a fuzz target over files instead of over libFuzzer's inventions.
 *
 * Linked to a target when the build has no --enable-fuzzer, so that every input that once found a
 * bug is tried by `make check' with any compiler. Usage: fuzz_NAME FILE|DIRECTORY... Each file is
 * copied into a buffer of exactly its size, so that AddressSanitizer sees a read past its end.
 * Prints how many inputs ran; 1 when there was none, since a replay of nothing proves nothing.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	struct stat st;
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	int rc = -1;

	if (file == NULL || fstat(fileno(file), &st) != 0) {
		perror(path);
		goto out;
	}
	data = malloc((size_t)st.st_size + (st.st_size == 0));
	if (data == NULL || fread(data, 1, (size_t)st.st_size, file) != (size_t)st.st_size) {
		perror(path);
		goto out;
	}
	LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
	rc = 1;
out:
	free(data);
	if (file != NULL) {
		fclose(file);
	}
	return rc;
}

/* How many inputs ran, or -1. */
static int replay_dir(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int count = 0;

	if (dir == NULL) {
		perror(path);
		return -1;
	}
	while (count >= 0 && (entry = readdir(dir)) != NULL) {
		char file[4096];

		if (entry->d_name[0] == '.') {
			continue;
		}
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		count = replay_file(file) < 0 ? -1 : count + 1;
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	int total = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;
		bool is_dir = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);
		int count = is_dir ? replay_dir(argv[i]) : replay_file(argv[i]);

		if (count < 0) {
			return 1;
		}
		total += count;
	}
	printf("%d inputs replayed\n", total);
	return total == 0;
}
