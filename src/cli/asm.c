/* javm asm: assembly text to a bundle that holds the Image. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* FILE with its ending changed to .img. malloc. */
static char *image_path(const char *path) {
  char *out = malloc(strlen(path) + 5);
  if (out == NULL) return NULL;
  strcpy(out, path);
  char *slash = strrchr(out, '/'), *dot = strrchr(out, '.');
  char *name = slash != NULL ? slash + 1 : out;
  strcpy(dot != NULL && dot > name ? dot : out + strlen(out), ".img");
  return out;
}

static int assemble(const char *path, const cli_bytes *text, const char *out) {
  javm_dir *dir = NULL;
  javm_cap *image = NULL;
  uint8_t *bundle = NULL;
  size_t bundle_bytes = 0;
  javm_error error;
  int result = CLI_OK;
  if (javm_dir_new(NULL, &dir) != JAVM_OK) return cli_fail_memory();
  if (javm_assemble(dir, (const char *)text->data, text->size, JAVM_ISA_JAVM, &image, &error) != JAVM_OK ||
      javm_bundle_encode(dir, image, &bundle, &bundle_bytes, &error) != JAVM_OK)
    result = cli_fail_error(path, &error);
  else result = cli_write_file(out, bundle, bundle_bytes);
  javm_free_bytes(NULL, bundle, bundle_bytes);
  javm_cap_release(dir, image);
  javm_dir_free(dir);
  return result;
}

int cli_asm(int argc, char **argv) {
  static const struct option options[] = {
      {"output", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
  const char *out = NULL;
  int given;
  while ((given = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
    if (given == 'o') {
      out = optarg;
      continue;
    }
    if (given != 'h') return cli_option_refused(argv, given);
    puts("usage: javm asm FILE [-o OUT]\n\n"
         "Assembles a text to an Image and writes it as a bundle.\n\n"
         "  -o, --output OUT   the file to write; default: FILE with the ending .img");
    return CLI_OK;
  }
  const char *path = cli_one_file(argc, argv);
  cli_bytes text;
  if (path == NULL) return CLI_BAD;
  if (out == NULL && strcmp(path, "-") == 0) return cli_fail("asm: text from standard input needs -o OUT");
  if (!cli_read_file(path, &text)) return CLI_BAD;
  char *default_out = image_path(path);
  int result;
  if (default_out == NULL) result = cli_fail_memory();
  else if (out == NULL && strcmp(default_out, path) == 0)
    result = cli_fail("%s: would be overwritten; expected -o OUT", path);
  else result = assemble(path, &text, out != NULL ? out : default_out);
  free(default_out);
  free(text.data);
  return result;
}
