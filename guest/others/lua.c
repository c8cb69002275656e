/* Lua runs the programs of guest/others/lua, one after the other, each in a state of its own. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>

/* The text of a program, from its file at the time of the build. */
#define PROGRAM(name)                                                                                                  \
  __asm__(".section .rodata\n" #name "_text: .incbin \"guest/others/lua/" #name ".lua\"\n" #name "_end: .byte 0\n"     \
          ".text\n");                                                                                                  \
  extern const char name##_text[], name##_end[];
PROGRAM(text)
PROGRAM(tables)
PROGRAM(control)
PROGRAM(numbers)

static int run(const char *name, const char *text, const char *end) {
  printf("== %s\n", name);
  lua_State *state = luaL_newstate();
  if (state == NULL) return 1;
  luaL_openlibs(state);
  int failed =
      luaL_loadbuffer(state, text, (size_t)(end - text), name) != LUA_OK || lua_pcall(state, 0, 0, 0) != LUA_OK;
  if (failed) printf("%s\n", lua_tostring(state, -1));
  lua_close(state);
  return failed;
}

int main(void) {
  return run("text", text_text, text_end) | run("tables", tables_text, tables_end) |
         run("control", control_text, control_end) | run("numbers", numbers_text, numbers_end);
}
