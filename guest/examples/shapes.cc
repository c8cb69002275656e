/*
 * C++: a drawing of shapes that is kept from call to call. Its constructor runs once in the life of the Instance,
 * before the first endpoint; the shapes live in memory that is part of the drawing, so that they, and the pointers to
 * their virtual functions, are state like everything else.
 */
#include <javm.h>

/* What <new> has; this example does without a library. */
inline void *operator new(decltype(sizeof 0), void *place) noexcept { return place; }

namespace {

/* ---- shapes ---- */

class shape {
public:
  virtual uint64_t area() const = 0;
  virtual uint64_t corners() const = 0;

protected:
  ~shape() = default; /* nobody deletes one */
};

template <uint64_t Corners> class polygon : public shape {
public:
  uint64_t corners() const override { return Corners; }
};

class rectangle final : public polygon<4> {
public:
  rectangle(uint64_t width, uint64_t height) : width_(width), height_(height) {}
  uint64_t area() const override { return width_ * height_; }

private:
  uint64_t width_, height_;
};

class triangle final : public polygon<3> {
public:
  triangle(uint64_t base, uint64_t height) : base_(base), height_(height) {}
  uint64_t area() const override { return base_ * height_ / 2; }

private:
  uint64_t base_, height_;
};

/* ---- a drawing ---- */

template <typename T> constexpr T larger(T a, T b) { return a > b ? a : b; }
template <typename T, typename... More> constexpr T larger(T a, T b, More... more) {
  return larger(larger(a, b), more...);
}

uint64_t constructed; /* how often the constructor of the drawing ran */

template <uint64_t Capacity> class drawing {
public:
  drawing() {
    constructed++;
    add<rectangle>(1, 1);
  }

  template <typename Shape, typename... Arguments> bool add(Arguments... arguments) {
    static_assert(sizeof(Shape) <= sizeof(room), "room for the largest");
    if (count_ == Capacity) return false;
    shapes_[count_] = new (&rooms_[count_]) Shape(arguments...);
    count_++;
    return true;
  }

  template <typename Of> uint64_t sum(Of of) const {
    uint64_t total = 0;
    for (uint64_t i = 0; i < count_; i++) total += of(*shapes_[i]);
    return total;
  }

  uint64_t count() const { return count_; }

private:
  struct room {
    alignas(8) unsigned char bytes[larger(sizeof(rectangle), sizeof(triangle), sizeof(void *))];
  };

  uint64_t count_ = 0;
  shape *shapes_[Capacity];
  room rooms_[Capacity];
};

drawing<100> picture; /* begins with a square of 1 */

/* ---- endpoints ---- */

uint64_t add_rectangle(uint64_t width, uint64_t height) {
  return picture.add<rectangle>(width, height) ? picture.count() : 0;
}
uint64_t add_triangle(uint64_t base, uint64_t height) {
  return picture.add<triangle>(base, height) ? picture.count() : 0;
}
uint64_t area() {
  return picture.sum([](const shape &s) { return s.area(); });
}
uint64_t corners() {
  return picture.sum([](const shape &s) { return s.corners(); });
}
uint64_t constructions() { return constructed; }

} // namespace

JAVM_ENDPOINT(0, area);
JAVM_ENDPOINT(1, add_rectangle);
JAVM_ENDPOINT(2, add_triangle);
JAVM_ENDPOINT(3, corners);
JAVM_ENDPOINT(4, constructions);
