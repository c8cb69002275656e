/* The characters of assembly text: statements are lines; `#` and `;` start a comment. The first failure stays. */
#ifndef JV_EXEC_ASM_LEX_H
#define JV_EXEC_ASM_LEX_H

#include "base/error.h"

/* A piece of the text. */
typedef struct jv_slice {
  const char *text;
  size_t size;
} jv_slice;

bool jv_slice_is(jv_slice s, const char *word);
int jv_slice_compare(jv_slice a, jv_slice b);

typedef struct jv_lex {
  const char *text;
  size_t size, at;
  size_t line; /* from 1 */
  javm_status status;
  javm_error *error;
} jv_lex;

typedef struct jv_number {
  uint64_t magnitude;
  bool negative;
} jv_number;

/* These return false, for `return jv_lex_fail(...)`. Numbers in messages are of the current line unless given. */
bool jv_lex_fail(jv_lex *lex, size_t line, const char *format, ...) JV_PRINTF(3, 4);
bool jv_lex_expected(jv_lex *lex, const char *what);
bool jv_lex_memory(jv_lex *lex);

/* To the first character of the next line that has a statement; false at the end of the text. */
bool jv_lex_statement(jv_lex *lex);
/* At the end of a line (a comment counts as that)? */
bool jv_lex_line_done(jv_lex *lex);
bool jv_lex_need_line_done(jv_lex *lex);

/* The next character, behind blanks and on this line; 0 at its end. */
char jv_lex_peek(jv_lex *lex);
/* Takes the character if it is the next. */
bool jv_lex_take(jv_lex *lex, char c);
bool jv_lex_need(jv_lex *lex, char c);

/* A name: letters, digits, `_` and `.`, not beginning with a digit. Empty if there is none. */
jv_slice jv_lex_name(jv_lex *lex);
/* Everything up to a blank, a comma, a brace, a comment or the end of the line. */
jv_slice jv_lex_word(jv_lex *lex);

/* Numbers: decimal or 0x, with an optional minus. `what` is for the message. */
bool jv_lex_number(jv_lex *lex, const char *what, jv_number *out);
bool jv_lex_unsigned(jv_lex *lex, const char *what, uint64_t max, uint64_t *out);

/* One byte of a run of hex digits; 0 at the end of the run, -1 on failure, else 1. */
int jv_lex_hex_byte(jv_lex *lex, uint8_t *out);
/* After the opening quote: one byte of a string; the same results, with the closing quote taken at the end. */
int jv_lex_string_byte(jv_lex *lex, uint8_t *out);

#endif
