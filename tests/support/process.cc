// fork and exec with both outputs sent to files, so that neither can fill up and block.
#include "tests/support/process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "tests/support/scratch.h"
#include "tests/support/shell.h"

namespace systole::testing_support {
namespace {

// In the child: replaces it by the program. Only async-signal-safe calls.
[[noreturn]] void become(char* const* arguments, const char* out, const char* err) {
  constexpr int kCannotRun = 127;
  const int in_file = open("/dev/null", O_RDONLY);
  const int out_file = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int err_file = open(err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (in_file < 0 || out_file < 0 || err_file < 0) _exit(kCannotRun);
  dup2(in_file, STDIN_FILENO);
  dup2(out_file, STDOUT_FILENO);
  dup2(err_file, STDERR_FILENO);
  execv(arguments[0], arguments);
  _exit(kCannotRun);
}

// Runs a program and waits for it.
Finished finished(std::vector<std::string> words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const ScratchFolder folder;
  const std::string out = folder.file("out"), err = folder.file("err");
  const pid_t child = fork();
  SYSTOLE_CHECK(child >= 0, "cannot fork");
  if (child == 0) become(pointers.data(), out.c_str(), err.c_str());
  int status = 0;
  SYSTOLE_CHECK(waitpid(child, &status, 0) == child, "lost the child");
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return {.code = code, .out = text_of(out), .err = text_of(err)};
}

}  // namespace

Finished systole(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {SYSTOLE_BINARY};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return finished(std::move(words));
}

Finished shell(const std::string& commands, const std::string& folder) {
  const std::string program = SYSTOLE_BINARY;
  const std::string path = program.substr(0, program.rfind('/'));
  return finished(
      {"/bin/sh", "-c",
       "cd '" + folder + "' && PATH='" + path + "':\"$PATH\" && export PATH\n" + commands});
}

}  // namespace systole::testing_support
