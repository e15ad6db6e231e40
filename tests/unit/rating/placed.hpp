// Values of plan sources as config/ leaves them: given, and each with a place of its own.
// Core: test. Allocates: yes. Blocks: never. Clock: none.
#pragma once

#include <utility>

#include "rating/plan_source.hpp"

namespace levy::rating {

template <class T, class V>
void put(Placed<T>& field, V&& value) {
  static int next_line = 1;
  field.value = std::forward<V>(value);
  field.place = Place{"plan.yaml", next_line++, 3};
  field.given = true;
}

}  // namespace levy::rating
