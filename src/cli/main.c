/* The javm command: picks the subcommand. Whatever was printed must have arrived, or that is an error too. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const struct {
  const char *name;
  int (*run)(int argc, char **argv);
  const char *text;
} commands[] = {
    {"run", cli_run, "run a program, an Image or an Instance"},
    {"conform", cli_conform, "check this machine against conformance files"},
    {"bisect", cli_bisect, "find where two runs, or two traces, part"},
    {"replay", cli_replay, "run a recorded program against its recorded host calls"},
    {"asm", cli_asm, "assemble a text to an Image"},
    {"link", cli_link, "make an Image of a linked RISC-V program"},
    {"disasm", cli_disasm, "print a program as text that assembles to it"},
    {"gas", cli_gas, "print what each basic block costs"},
    {"hash", cli_hash, "print the hash of a value"},
    {"inspect", cli_inspect, "print what a value is made of"},
    {"prove", cli_prove, "prove parts of an Instance under its hash"},
    {"verify", cli_verify, "check such a proof, and print what it proves"},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static int print_help(void) {
  puts("usage: javm COMMAND [OPTION...] FILE...\n       javm --version | --help\n\nCommands:");
  for (size_t i = 0; i < COMMAND_COUNT; i++) printf("  %-9s %s\n", commands[i].name, commands[i].text);
  puts("\nFILE '-' is the standard input. 'javm COMMAND --help' tells more.");
  return CLI_OK;
}

static int dispatch(int argc, char **argv) {
  if (argc < 2) return cli_fail("expected a command; see 'javm --help'");
  const char *name = argv[1];
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) return print_help();
  if (strcmp(name, "--version") == 0) {
    printf("javm %s\n", javm_version());
    return CLI_OK;
  }
  if (strcmp(name, "help") == 0) {
    static char help[] = "--help";
    if (argc == 2) return print_help();
    char *asked[] = {argv[0], argv[2], help, NULL};
    return argc == 3 && strcmp(argv[2], "help") != 0 ? dispatch(3, asked)
                                                     : cli_fail("help: expected at most one command");
  }
  for (size_t i = 0; i < COMMAND_COUNT; i++)
    if (strcmp(name, commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
  return cli_fail("'%s' is not a command; see 'javm --help'", name);
}

/* A closed standard stream must not become the next file that is opened: it becomes one that refuses every use. */
static void guard_streams(void) {
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0) return;
  signal(SIGPIPE, SIG_IGN); /* a reader that went away is a failed write, not a silent death */
}

int main(int argc, char **argv) {
  guard_streams();
  opterr = 0; /* the subcommands complain themselves, in the one form */
  int result = dispatch(argc, argv);
  bool failed = ferror(stdout) != 0;
  errno = 0;
  failed = fclose(stdout) != 0 || failed;
  if (failed) return cli_fail("standard output: cannot write: %s", errno != 0 ? strerror(errno) : "it failed before");
  return result;
}
