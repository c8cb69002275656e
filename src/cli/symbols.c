/*
 * The symbols beside an Image. The file may come from anywhere: a bad one is a warning and counts as none, and so does
 * one that is of another Image. The records are kept as they are read; names and paths stay in the text.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

typedef struct function {
  uint32_t pc, bytes;
  const char *name;
} function;

/* Holds from pc to the next one. */
typedef struct line {
  uint32_t pc, file, line;
} line;

typedef struct array {
  void *items;
  size_t count, capacity;
} array;

struct cli_symbols {
  cli_bytes text;
  array files; /* const char * */
  array functions;
  array lines;
};

/* ---- text ---- */

/* The bytes of the UTF-8 sequence at `text`; 0: none, or a control character. */
static size_t character_bytes(const uint8_t *text, size_t left) {
  size_t bytes = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
  if (bytes == 0 || text[0] > 0xf4 || bytes > left) return 0;
  if (bytes == 1) return text[0] >= ' ' && text[0] != 0x7f;
  for (size_t i = 1; i < bytes; i++)
    if ((text[i] & 0xc0) != 0x80) return 0;
  bool overlong = (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xf0 && text[1] < 0x90);
  bool outside = (text[0] == 0xed && text[1] > 0x9f) || (text[0] == 0xf4 && text[1] > 0x8f);
  bool control = text[0] == 0xc2 && text[1] < 0xa0;
  return overlong || outside || control ? 0 : bytes;
}

/* What a terminal or a JSON string must not get becomes '?'. */
static void clean(char *text) {
  for (size_t left = strlen(text), bytes; left > 0; text += bytes, left -= bytes) {
    bytes = character_bytes((const uint8_t *)text, left);
    if (bytes > 0) continue;
    *text = '?';
    bytes = 1;
  }
}

/* The next word, a number of 32 bits in decimal, and what is behind the space or the end that follows it. */
static bool take_number(char **at, uint32_t *value) {
  char *p = *at;
  uint64_t number = 0;
  for (; *p >= '0' && *p <= '9'; p++) {
    number = 10 * number + (uint64_t)(*p - '0');
    if (number > UINT32_MAX) return false;
  }
  if (p == *at || (*p != ' ' && *p != '\0')) return false;
  *value = (uint32_t)number;
  *at = *p == ' ' ? p + 1 : p;
  return true;
}

static bool take_word(char **at, const char *word) {
  size_t length = strlen(word);
  if (strncmp(*at, word, length) != 0 || (*at)[length] != ' ') return false;
  *at += length + 1;
  return true;
}

/* Room for one more; NULL: no memory. */
static void *add(array *a, size_t size_bytes) {
  if (a->count == a->capacity) {
    size_t capacity = a->capacity > 0 ? 2 * a->capacity : 64;
    void *items = realloc(a->items, capacity * size_bytes);
    if (items == NULL) return NULL;
    a->items = items;
    a->capacity = capacity;
  }
  return (char *)a->items + size_bytes * a->count++;
}

/* ---- records ---- */

static const char no_memory[] = "more memory than there is";

/* NULL: good; else what was expected. */
static const char *add_file(cli_symbols *s, char *at) {
  uint32_t number;
  if (!take_number(&at, &number) || *at == '\0') return "file NUMBER PATH";
  if (number != s->files.count) return "files that are numbered 0, 1, 2, ...";
  const char **name = add(&s->files, sizeof *name);
  if (name == NULL) return no_memory;
  clean(at);
  *name = at;
  return NULL;
}

static const char *add_function(cli_symbols *s, char *at) {
  function new;
  const function *functions = s->functions.items;
  size_t count = s->functions.count;
  if (!take_number(&at, &new.pc) || !take_number(&at, &new.bytes) || *at == '\0') return "function PC BYTES NAME";
  if (count > 0 && new.pc <= functions[count - 1].pc) return "functions in ascending order of pc";
  clean(at);
  new.name = at;
  function *to = add(&s->functions, sizeof *to);
  if (to == NULL) return no_memory;
  *to = new;
  return NULL;
}

static const char *add_line(cli_symbols *s, char *at) {
  line new;
  const line *lines = s->lines.items;
  size_t count = s->lines.count;
  if (!take_number(&at, &new.pc) || !take_number(&at, &new.file) || !take_number(&at, &new.line) || *at != '\0')
    return "line PC FILE LINE";
  if (new.line != 0 && new.file >= s->files.count) return "the number of a file that was named before";
  if (count > 0 && new.pc <= lines[count - 1].pc) return "lines in ascending order of pc";
  line *to = add(&s->lines, sizeof *to);
  if (to == NULL) return no_memory;
  *to = new;
  return NULL;
}

static const char *add_record(cli_symbols *s, char *at) {
  if (take_word(&at, "line")) return add_line(s, at);
  if (take_word(&at, "function")) return add_function(s, at);
  if (take_word(&at, "file")) return add_file(s, at);
  return "a file, function or line";
}

/* ---- the file ---- */

/* Cuts the next line off; NULL at the end. */
static char *next_line(char **at, char *end) {
  char *start = *at;
  if (start == end) return NULL;
  char *newline = memchr(start, '\n', (size_t)(end - start));
  *at = newline != NULL ? newline + 1 : end;
  if (newline != NULL) *newline = '\0';
  return start;
}

/* NULL: good; else what was expected. `given`: the hash that stands there. */
static const char *read_head(size_t number, char *text, const char **given) {
  if (number == 1) return strcmp(text, "javm symbols 1") == 0 ? NULL : "javm symbols 1";
  *given = text + strlen("image 0x");
  bool good = strncmp(text, "image 0x", strlen("image 0x")) == 0 && strlen(*given) == CLI_HEX_HASH - 1 &&
              strspn(*given, "0123456789abcdef") == CLI_HEX_HASH - 1;
  return good ? NULL : "image 0x and 64 digits";
}

/* Is the text of the form and of that Image? Says why not. */
static bool parse(cli_symbols *s, const char *path, const char *image) {
  char *at = (char *)s->text.data, *end = at + s->text.size;
  const char *expected = NULL, *given = NULL;
  size_t number = 0;
  for (char *text; expected == NULL && (text = next_line(&at, end)) != NULL;) {
    expected = ++number <= 2 ? read_head(number, text, &given) : add_record(s, text);
    if (number != 2 || expected != NULL || strcmp(given, image) == 0) continue;
    cli_warn("%s: not used: it is of another Image, with the hash %s", path, given);
    return false;
  }
  if (expected == NULL && number < 2) expected = "two lines that say what it is";
  if (expected != NULL) cli_warn("%s: not used: line %zu: expected %s", path, number, expected);
  return expected == NULL;
}

cli_symbols *cli_symbols_load(const char *path, javm_dir *dir, javm_cap *image) {
  javm_hash hash;
  char hex[CLI_HEX_HASH];
  if (strcmp(path, "-") == 0) return NULL;
  char *beside = malloc(strlen(path) + sizeof CLI_SYMBOLS_ENDING);
  cli_symbols *s = calloc(1, sizeof *s);
  bool good = beside != NULL && s != NULL && javm_cap_hash(dir, image, &hash) == JAVM_OK;
  if (!good) cli_warn("%s: its symbols are not used: out of memory", path);
  else {
    cli_hash_hex(&hash, hex);
    strcat(strcpy(beside, path), CLI_SYMBOLS_ENDING);
    good = access(beside, F_OK) == 0 && cli_read_file(beside, &s->text) && parse(s, beside, hex);
  }
  free(beside);
  if (good) return s;
  cli_symbols_free(s);
  return NULL;
}

void cli_symbols_free(cli_symbols *s) {
  if (s == NULL) return;
  free(s->text.data);
  free(s->files.items);
  free(s->functions.items);
  free(s->lines.items);
  free(s);
}

/* ---- places ---- */

/* The last item that starts at pc or before it, of items that begin with their pc; NULL: none. */
static const void *last_before(const array *a, size_t size_bytes, uint32_t pc) {
  size_t low = 0, high = a->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    uint32_t start;
    memcpy(&start, (const char *)a->items + middle * size_bytes, sizeof start);
    if (start <= pc) low = middle + 1;
    else high = middle;
  }
  return low > 0 ? (const char *)a->items + (low - 1) * size_bytes : NULL;
}
_Static_assert(offsetof(function, pc) == 0 && offsetof(line, pc) == 0, "last_before reads the pc there");

bool cli_symbols_find(const cli_symbols *s, uint32_t pc, cli_place *place) {
  memset(place, 0, sizeof *place);
  if (s == NULL) return false;
  const function *f = last_before(&s->functions, sizeof *f, pc);
  const line *l = last_before(&s->lines, sizeof *l, pc);
  if (f != NULL && pc - f->pc < f->bytes) {
    place->function = f->name;
    place->offset = pc - f->pc;
  }
  if (l != NULL && l->line != 0) {
    place->file = ((const char *const *)s->files.items)[l->file];
    place->file_index = l->file;
    place->line = l->line;
  }
  return place->function != NULL || place->file != NULL;
}

void cli_place_print(FILE *file, const cli_place *place) {
  const char *space = place->function != NULL && place->file != NULL ? " " : "";
  if (place->function != NULL) fprintf(file, "%s+%lu", place->function, (unsigned long)place->offset);
  if (place->file != NULL) fprintf(file, "%s(%s:%lu)", space, place->file, (unsigned long)place->line);
}
