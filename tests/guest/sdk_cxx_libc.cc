// C++ over the C library: new and delete, objects in the heap, destructors of static objects at exit.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace {

struct Node {
  Node *next;
  int value;
};

class List {
public:
  explicit List(const char *name) : name_(name) { printf("%s begins\n", name_); }
  ~List() {
    int sum = 0;
    while (head_) {
      Node *node = head_;
      head_ = node->next;
      sum += node->value;
      delete node;
    }
    printf("%s ends with %d\n", name_, sum);
  }
  void add(int value) { head_ = new Node{head_, value}; }

private:
  const char *name_;
  Node *head_ = nullptr;
};

List global("global");
List &local() {
  static List list("local");
  return list;
}

struct alignas(128) Wide {
  char bytes[128];
};

} // namespace

int main() {
  for (int i = 0; i < 100; i++) global.add(i), local().add(i * 2);
  int *numbers = new int[1000]();
  for (int i = 0; i < 1000; i++) numbers[i] += i;
  printf("%d\n", numbers[999]);
  delete[] numbers;
  Wide *wide = new Wide;
  printf("%d\n", static_cast<int>(reinterpret_cast<unsigned long>(wide) % 128));
  delete wide;
  List *list = new List("heap");
  list->add(7);
  delete list;
  int *nothing = nullptr;
  delete nothing;
  return 0;
}
