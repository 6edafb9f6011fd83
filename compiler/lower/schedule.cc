// The table of scheduling policies.
#include "compiler/lower/schedule.h"

#include "base/diag.h"

namespace systole::compiler {

const std::vector<ScheduleInfo>& schedules() {
  static const std::vector<ScheduleInfo> table = {
#define SYSTOLE_SCHEDULE(name, text, meaning) {text, meaning},
#include "compiler/lower/schedules.def"
  };
  return table;
}

Schedule schedule_named(const std::string& name) {
  std::string known;
  for (std::size_t i = 0; i < schedules().size(); ++i) {
    if (schedules()[i].name == name) return static_cast<Schedule>(i);
    known += (known.empty() ? "" : ", ") + std::string(schedules()[i].name);
  }
  throw InputError("--schedule", "schedule '" + name + "'", "one of " + known);
}

}  // namespace systole::compiler
