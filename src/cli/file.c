/* Whole files in and out. An output has its name only when it is whole: it is written beside it and renamed. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

/* Reads to the end, or to one byte more than a file may have. */
static bool read_all(FILE *file, cli_bytes *out) {
  size_t capacity = 0;
  out->data = NULL;
  out->size = 0;
  for (;;) {
    if (capacity - out->size < 2) {
      capacity = capacity == 0 ? 65536 : 2 * capacity;
      uint8_t *grown = realloc(out->data, capacity);
      if (grown == NULL) return false;
      out->data = grown;
    }
    size_t got = fread(out->data + out->size, 1, capacity - out->size - 1, file);
    out->size += got;
    if (got == 0 || out->size > CLI_FILE_BYTES_MAX) break;
  }
  out->data[out->size] = 0;
  return true;
}

bool cli_read_file(const char *path, cli_bytes *out) {
  bool standard = strcmp(path, "-") == 0;
  FILE *file = standard ? stdin : fopen(path, "rb");
  out->data = NULL;
  out->size = 0;
  if (file == NULL) {
    cli_fail("%s: %s", path, strerror(errno));
    return false;
  }
  errno = 0;
  bool have_memory = read_all(file, out);
  bool failed = ferror(file) != 0;
  int reason = errno;
  if (!standard) fclose(file);
  if (have_memory && !failed && out->size <= CLI_FILE_BYTES_MAX) return true;
  if (!have_memory) cli_fail_memory();
  else if (failed) cli_fail("%s: %s", path, strerror(reason));
  else cli_fail("%s: offset %zu: expected the file to end, it is too large", path, CLI_FILE_BYTES_MAX);
  free(out->data);
  out->data = NULL;
  out->size = 0;
  return false;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool cli_parse_hex(const char *text, size_t length, cli_bytes *out) {
  out->size = length / 2;
  out->data = length % 2 == 0 ? malloc(out->size + 1) : NULL;
  if (out->data == NULL) return false;
  for (size_t i = 0; i < out->size; i++) {
    int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) {
      free(out->data);
      out->data = NULL;
      return false;
    }
    out->data[i] = (uint8_t)(high << 4 | low);
  }
  out->data[out->size] = 0;
  return true;
}

static int output_failed(cli_output *output, const char *path) {
  int reason = errno;
  int result = cli_fail("%s: cannot write: %s", path, strerror(reason));
  cli_output_discard(output);
  return result;
}

static int open_beside(cli_output *output, const char *path) {
  char *real = realpath(path, NULL); /* a link stays a link: what it points at is replaced */
  output->path = real != NULL ? real : strdup(path);
  output->temporary = output->path == NULL ? NULL : malloc(strlen(output->path) + 8);
  if (output->temporary == NULL) {
    cli_output_discard(output);
    return cli_fail_memory();
  }
  sprintf(output->temporary, "%s.XXXXXX", output->path);
  int descriptor = mkstemp(output->temporary);
  if (descriptor < 0) {
    free(output->temporary);
    output->temporary = NULL;
    return output_failed(output, path);
  }
  mode_t mask = umask(0);
  umask(mask);
  output->file = fchmod(descriptor, 0666 & ~mask) == 0 ? fdopen(descriptor, "wb") : NULL;
  if (output->file != NULL) return CLI_OK;
  int reason = errno;
  close(descriptor);
  errno = reason;
  return output_failed(output, path);
}

/* The stream that a path names; NULL: none. Were it opened, a file that it was sent to would lose what it has. */
static FILE *standard_stream(const char *path) {
  if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0) return stdout;
  return strcmp(path, "/dev/stderr") == 0 ? stderr : NULL;
}

static bool is_standard(const FILE *file) { return file == stdout || file == stderr; }

int cli_output_open(const char *path, cli_output *output) {
  struct stat info;
  memset(output, 0, sizeof *output);
  output->file = standard_stream(path);
  if (output->file == NULL) {
    if (stat(path, &info) != 0 || S_ISREG(info.st_mode)) return open_beside(output, path);
    output->file = fopen(path, "wb");
    if (output->file == NULL) return output_failed(output, path);
  }
  output->path = strdup(path);
  if (output->path != NULL) return CLI_OK;
  cli_output_discard(output);
  return cli_fail_memory();
}

int cli_output_commit(cli_output *output) {
  FILE *file = output->file;
  output->file = NULL;
  bool failed = fflush(file) != 0 || ferror(file) != 0;
  if (!is_standard(file)) failed = fclose(file) != 0 || failed;
  if (failed || (output->temporary != NULL && rename(output->temporary, output->path) != 0))
    return output_failed(output, output->path);
  free(output->temporary);
  output->temporary = NULL;
  cli_output_discard(output);
  return CLI_OK;
}

void cli_output_discard(cli_output *output) {
  if (output->file != NULL && !is_standard(output->file)) fclose(output->file);
  if (output->temporary != NULL) unlink(output->temporary);
  free(output->temporary);
  free(output->path);
  memset(output, 0, sizeof *output);
}

int cli_write_file(const char *path, const uint8_t *bytes, size_t size_bytes) {
  cli_output output;
  int result = cli_output_open(path, &output);
  if (result != CLI_OK) return result;
  fwrite(bytes, 1, size_bytes, output.file);
  return cli_output_commit(&output);
}
