/* Replays a stored corpus through a fuzz target where libFuzzer is not linked in, so that every
 * build runs every input that was ever worth keeping. usage: target DIR; exit 77 if DIR is empty.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUT_BYTES = 1 << 20 };

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
        return 2;
    }
    static uint8_t data[MAX_INPUT_BYTES];
    DIR *dir = opendir(argv[1]);
    unsigned inputs_n = 0;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[4096];
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", argv[1], e->d_name);
        FILE *file = fopen(path, "rb");
        if (!file)
            continue;
        size_t size = fread(data, 1, sizeof(data), file);
        fclose(file);
        LLVMFuzzerTestOneInput(data, size);
        inputs_n++;
    }
    if (dir)
        closedir(dir);
    printf("%u inputs replayed\n", inputs_n);
    return inputs_n ? 0 : 77;
}
