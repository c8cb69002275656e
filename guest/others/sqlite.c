/* SQLite, in memory, runs the statements of sqlite.sql and prints each row. Its file system below has no files: it only
 * gives time and random bytes, the same in every run. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

__asm__(".section .rodata\nscript: .incbin \"guest/others/sqlite.sql\"\n.byte 0\n.text\n");
extern const char script[];

static int open_none(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags) {
  (void)vfs, (void)name, (void)flags, (void)out_flags;
  file->pMethods = NULL;
  return SQLITE_CANTOPEN;
}

static int delete_none(sqlite3_vfs *vfs, const char *name, int sync) {
  (void)vfs, (void)name, (void)sync;
  return SQLITE_IOERR_DELETE;
}

static int access_none(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
  (void)vfs, (void)name, (void)flags;
  *out = 0;
  return SQLITE_OK;
}

static int full_pathname(sqlite3_vfs *vfs, const char *name, int size, char *out) {
  (void)vfs;
  sqlite3_snprintf(size, out, "%s", name);
  return SQLITE_OK;
}

static int randomness(sqlite3_vfs *vfs, int size, char *out) {
  (void)vfs;
  for (int i = 0; i < size; i++) out[i] = (char)(i * 37 + 11);
  return size;
}

static int sleep_none(sqlite3_vfs *vfs, int microseconds) {
  (void)vfs;
  return microseconds;
}

static int current_time(sqlite3_vfs *vfs, sqlite3_int64 *out) {
  (void)vfs;
  *out = 212570827200000; /* 2024-01-01 00:00, in milliseconds of the Julian day */
  return SQLITE_OK;
}

static int last_error(sqlite3_vfs *vfs, int size, char *out) {
  (void)vfs, (void)size, (void)out;
  return 0;
}

int sqlite3_os_init(void) {
  static sqlite3_vfs vfs = {.iVersion = 2,
                            .szOsFile = sizeof(sqlite3_file),
                            .mxPathname = 64,
                            .zName = "none",
                            .xOpen = open_none,
                            .xDelete = delete_none,
                            .xAccess = access_none,
                            .xFullPathname = full_pathname,
                            .xRandomness = randomness,
                            .xSleep = sleep_none,
                            .xGetLastError = last_error,
                            .xCurrentTimeInt64 = current_time};
  return sqlite3_vfs_register(&vfs, 1);
}

int sqlite3_os_end(void) { return SQLITE_OK; }

static void print_value(sqlite3_stmt *statement, int column) {
  if (sqlite3_column_type(statement, column) == SQLITE_BLOB) {
    const unsigned char *bytes = sqlite3_column_blob(statement, column);
    int size = sqlite3_column_bytes(statement, column);
    printf("x'");
    for (int i = 0; i < size; i++) printf("%02x", bytes[i]);
    printf("'");
  } else {
    const unsigned char *text = sqlite3_column_text(statement, column);
    printf("%s", text == NULL ? "NULL" : (const char *)text);
  }
}

/* The first line of a statement, without the comments and empty lines before it. */
static void print_head(int number, const char *text) {
  while (*text == '\n' || strncmp(text, "--", 2) == 0) text += strcspn(text, "\n") + 1;
  printf("%d %.*s\n", number, (int)strcspn(text, "\n"), text);
}

/* Prints all rows; gives how many statements failed: 0 or 1. */
static int run_statement(sqlite3 *db, sqlite3_stmt *statement) {
  int status, rows = 0;
  while ((status = sqlite3_step(statement)) == SQLITE_ROW) {
    rows++;
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
      printf(i == 0 ? "  " : "|");
      print_value(statement, i);
    }
    printf("\n");
  }
  if (status != SQLITE_DONE) printf("  error %d: %s\n", sqlite3_extended_errcode(db), sqlite3_errmsg(db));
  else if (rows == 0 && sqlite3_column_count(statement) > 0) printf("  no rows\n");
  return status != SQLITE_DONE;
}

int main(void) {
  sqlite3 *db;
  int statements = 0, errors = 0;
  printf("SQLite %s\n", sqlite3_libversion());
  if (sqlite3_open(":memory:", &db) != SQLITE_OK) {
    printf("open: %s\n", sqlite3_errmsg(db));
    return 1;
  }
  for (const char *at = script; *at != 0;) {
    sqlite3_stmt *statement;
    const char *start = at;
    int status = sqlite3_prepare_v2(db, at, -1, &statement, &at);
    if (status == SQLITE_OK && statement == NULL) break; /* nothing but blanks is left */
    print_head(++statements, start);
    if (status == SQLITE_OK) {
      errors += run_statement(db, statement);
    } else {
      printf("  error %d: %s\n", status, sqlite3_errmsg(db));
      errors++;
      at = strstr(start, ";\n"); /* those that can't be read are of one line */
      if (at++ == NULL) break;
    }
    sqlite3_finalize(statement);
  }
  printf("%d statements, %d errors, %d changes\n", statements, errors, sqlite3_total_changes(db));
  return sqlite3_close(db) != SQLITE_OK;
}
