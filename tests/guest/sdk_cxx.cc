// C++ without a library: constructors of static objects run once in the life of the Instance, before the first
// endpoint.
#include "sdk_print.h"

namespace {

uint64_t trace;
void note(uint64_t step) { trace = trace * 16 + step; }

struct Shape {
  virtual ~Shape() { note(15); }
  virtual uint64_t area() const = 0;
};

class Square final : public Shape {
public:
  explicit Square(uint64_t side) : side_(side) { note(side); }
  ~Square() override { note(14); }
  uint64_t area() const override { return side_ * side_; }

private:
  uint64_t side_;
};

struct Circle : Shape {
  uint64_t radius = 2;
  uint64_t area() const override { return radius * radius * 3; }
};

Square first(1), second(2);
__attribute__((init_priority(200))) Square earlier(3);
Circle circle;

template <typename T> T largest(T a, T b) { return a < b ? b : a; }

const Shape &local(uint64_t side) {
  static Square square(side);
  return square;
}

uint64_t get(uint64_t which) {
  const Shape *shapes[] = {&first, &second, &earlier, &circle};
  if (which == 100) return trace;
  if (which == 101) {
    Square gone(5);
    return gone.area();
  }
  if (which >= 200) return local(which - 200).area();
  auto area = [&](uint64_t i) { return shapes[i]->area(); };
  return largest(area(which % 4), static_cast<uint64_t>(2));
}

} // namespace

JAVM_ENDPOINT(0, get);
JAVM_ENDPOINT(5, get);
