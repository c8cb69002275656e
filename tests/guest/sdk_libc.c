/* The C library of guests: what it prints is what the native one does. */
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t state = 1;
static uint32_t random32(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 32);
}
static double random_double(void) {
  double x;
  do {
    uint64_t bits = (uint64_t)random32() << 32;
    bits |= random32();
    memcpy(&x, &bits, sizeof x);
  } while (!isfinite(x));
  return x;
}

static void formats(void) {
  printf("%d %+5d %-6d| %06d %x %#X %o %u %c %s %.2s %10s|%-10s|\n", 1, 2, 3, -4, 255, 255, 8, 4000000000u, 'c', "text",
         "text", "right", "left");
  printf("%hhd %hd %ld %lld %zu %td %jd %5.3d %%\n", 300, 70000, LONG_MIN, LLONG_MAX, sizeof(long), (ptrdiff_t)-1,
         INTMAX_MAX, 7);
  printf("%f %.0f %5.1f %e %.3E %g %G %a %#.0f %+.2f % f\n", 0.1, 2.5, 3.14159, 12345.678, 1e-10, 1e20, 1e-5, 0.5, 3.0,
         1.0, 2.0);
  printf("%f %e %g %F\n", INFINITY, -INFINITY, INFINITY, INFINITY);
  for (int i = 0; i < 300; i++) {
    double x = random_double();
    char text[64];
    snprintf(text, sizeof text, "%.17g", x);
    printf("%s %g %.3e %a%s\n", text, x, x, x, strtod(text, NULL) == x ? "" : " not read back");
    x = (random32() - 2147483648.0) / (1 << random32() % 30);
    printf("%.3f %.10f %g\n", x, x, x);
  }
  int a, n;
  unsigned b;
  char word[16], rest[16];
  double d;
  n = sscanf("  -12 0x1f hello:12.5e1 tail", "%d %x %15[a-z]:%lf %15s", &a, &b, word, &d, rest);
  printf("%d %d %u %s %g %s\n", n, a, b, word, d, rest);
  char *end;
  errno = 0;
  long big = strtol("99999999999999999999", &end, 10);
  printf("%ld %d %d\n", big, errno == ERANGE, *end);
  printf("%lu %ld %d\n", strtoul("0777", NULL, 0), strtol("-zz", NULL, 36), atoi("42x"));
}

static void strings(void) {
  char text[200] = "one,two;three,,four", copy[200];
  for (char *rest = text, *word; (word = strtok(rest, ",;")); rest = NULL) printf("[%s]", word);
  puts("");
  strcpy(copy, "abcdef");
  strcat(copy, "ghi");
  strncat(copy, "jklmn", 2);
  printf("%s %zu %d %d %d\n", copy, strlen(copy), strcmp("a", "b") < 0, strncmp("abc", "abd", 2),
         memcmp("x", "y", 1) < 0);
  printf("%s %s %s %zu %zu %s\n", strchr(copy, 'c'), strrchr("a/b/c", '/'), strstr(copy, "def"), strspn("aab", "a"),
         strcspn("xyz,", ","), strpbrk("key=value", "=:"));
  memmove(copy + 2, copy, 8);
  printf("%.10s %d\n", copy, memchr(copy, 'z', 10) == NULL);
  for (int c = 0; c < 128; c += 7)
    printf("%d%d%d%d%d ", !!isalpha(c), !!isdigit(c), !!isspace(c), !!ispunct(c), toupper(c));
  puts("");
  printf("%s|%s\n", strerror(ENOENT), strerror(EINVAL));
}

static int by_value(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static void memory(void) {
  uint32_t *numbers = malloc(1000 * sizeof *numbers), sum = 0;
  for (int i = 0; i < 1000; i++) numbers[i] = random32();
  qsort(numbers, 1000, sizeof *numbers, by_value);
  for (int i = 0; i < 1000; i++) sum = sum * 31 + numbers[i];
  uint32_t *found = bsearch(&numbers[500], numbers, 1000, sizeof *numbers, by_value);
  printf("sorted %u %d\n", sum, (int)(found - numbers));
  free(numbers);

  unsigned char *blocks[64] = {0};
  size_t sizes[64] = {0};
  int wrong = 0;
  for (int round = 0; round < 5000; round++) {
    unsigned i = random32() % 64;
    size_t size = random32() % (round % 50 ? 500 : 50000);
    for (size_t k = 0; k < sizes[i]; k++) wrong += blocks[i][k] != (unsigned char)(i + k);
    if (round % 3 == 0) {
      free(blocks[i]);
      blocks[i] = calloc(1, size + 1);
      for (size_t k = 0; k < size; k++) wrong += blocks[i][k];
    } else {
      blocks[i] = realloc(blocks[i], size + 1);
      for (size_t k = 0; k < size && k < sizes[i]; k++) wrong += blocks[i][k] != (unsigned char)(i + k);
    }
    if (!blocks[i]) exit(9);
    for (size_t k = 0; k < size; k++) blocks[i][k] = (unsigned char)(i + k);
    sizes[i] = size;
    wrong += (uintptr_t)blocks[i] % 16 != 0;
  }
  for (int i = 0; i < 64; i++) free(blocks[i]);
  printf("blocks wrong: %d\n", wrong);
  void *volatile none = malloc((size_t)1 << 60);
  void *aligned = aligned_alloc(256, 512);
  printf("%d %d\n", (uintptr_t)aligned % 256 == 0, none == NULL);
  free(aligned);
}

/* sqrt and fma, over all exponents and near each other; a checksum of their bits. */
static uint64_t exact_sum;
static void take_double(double x) {
  uint64_t bits = 1;
  if (x == x) memcpy(&bits, &x, sizeof x);
  exact_sum = (exact_sum ^ bits) * 0x9e3779b97f4a7c15u;
  exact_sum ^= exact_sum >> 29;
}

static void exact_math(void) {
  static const double special[] = {0.0, -0.0, 1, -1, 4, 2, INFINITY, -INFINITY, NAN, 5e-324, -5e-324, DBL_MAX, DBL_MIN};
  enum { SPECIALS = sizeof special / sizeof special[0] };
  for (int i = 0; i < SPECIALS; i++) {
    take_double(sqrt(special[i]));
    take_double(sqrtf((float)special[i]));
    for (int k = 0; k < SPECIALS * SPECIALS; k++) {
      take_double(fma(special[i], special[k % SPECIALS], special[k / SPECIALS]));
      take_double(fmaf((float)special[i], (float)special[k % SPECIALS], (float)special[k / SPECIALS]));
    }
  }
  for (int i = 0; i < 5000; i++) {
    double x = random_double(), y = random_double(), root = (double)random32() + i / 4096.0;
    take_double(sqrt(x));
    take_double(sqrt(root * root));
    take_double(sqrt(nextafter(root * root, i % 2 ? 0 : INFINITY)));
    take_double(sqrtf((float)root));
    take_double(fma(x, y, random_double()));
    take_double(fma(x, 1 / x, i % 3 ? -1 : random_double()));
    take_double(fma(root, root, -(root * root)));
    take_double(fma(root, y, -root * y * (1 + ldexp(1, -(i % 120)))));
    float a = (float)ldexp(root, i % 60 - 30), b = (float)(1 + ldexp(random32(), -32)),
          c = (float)ldexp(1, i % 80 - 30);
    take_double(fmaf(a, b, i % 2 ? c : -c));
    take_double(fmaf(a, b, -a * b));
    take_double(fmaf(1 + ldexpf(1, -12), 1 + ldexpf(1, -12), ldexpf(i % 2 ? 1 : -1, -(i % 100))));
  }
  printf("%016llx\n", (unsigned long long)exact_sum);
}

/* Exact ones to the last bit; of the others 12 digits, as libraries may differ in the last place. */
static void math(void) {
  for (int i = 0; i < 100; i++) {
    double x = (random32() - 2147483648.0) / (1 << random32() % 31), y = (random32() + 1.0) / 65536;
    int e;
    double fraction = frexp(x, &e), whole, part = modf(x, &whole);
    printf("%.17g %.17g %.17g %.17g %.17g %.17g %d %.17g %.17g %ld\n", sqrt(fabs(x)), floor(x), ceil(x), trunc(x),
           fmod(x, y), fraction, e, part, ldexp(x, i - 50), lround(x));
    x = fmod(x, 100);
    printf("%.12g %.12g %.12g %.12g %.12g %.12g\n", sin(x), cos(x), atan2(x, y), exp(x), log(y), pow(y, x / 50));
    printf("%.12g %.12g %.12g %.12g %.12g\n", sinh(x / 10), tanh(x), cbrt(x), log10(y), hypot(x, y));
    printf("%.6g %.6g %.6g\n", (double)sqrtf((float)y), (double)expf((float)x / 2), (double)sinf((float)x));
  }
  long double third = 1.0L / 3;
  printf("%.15g %d\n", (double)(third * 3), third * 3 == 1);
}

static jmp_buf place;
static int jump(int depth) {
  if (depth) return jump(depth - 1) + 1;
  longjmp(place, 42);
}

static int add_up(int count, ...) {
  va_list list;
  int sum = 0;
  va_start(list, count);
  for (int i = 0; i < count; i++) sum += i % 2 ? (int)va_arg(list, double) : va_arg(list, int);
  va_end(list);
  return sum;
}

static void first(void) { puts("first registered, last run"); }
static void second(void) { puts("second registered"); }
static __attribute__((constructor)) void before(void) { puts("before main"); }

int main(int argc, char **argv) {
  printf("%d %d\n", argc, argv[argc] == NULL);
  formats();
  strings();
  memory();
  math();
  exact_math();
  volatile int kept = 3;
  int value = setjmp(place);
  if (value == 0) {
    kept = 4;
    jump(5);
  }
  printf("jumped %d %d %d\n", value, kept, add_up(4, 1, 2.5, 3, 4.5));
  time_t when = 1234567890;
  char text[80];
  strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %a %b %j", gmtime(&when));
  struct tm parts = {.tm_year = 100, .tm_mon = 1, .tm_mday = 30, .tm_isdst = -1};
  printf("%s %d\n", text, mktime(&parts) == 951868800);
  FILE *file = fopen("/there/is/none", "r");
  printf("%d %s %d %d\n", file == NULL, strerror(errno), getenv("HOMELESS") == NULL, fgetc(stdin));
  fprintf(stdout, "%s", "no newline at the end, ");
  fputs("and it is printed", stdout);
  atexit(first);
  atexit(second);
  return 3;
}
