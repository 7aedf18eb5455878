// watchbill-docs: writes what is made from the table of commands. Not installed; ./dev docs and ./dev package
// run it.
#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <sstream>

#include "cli/commands/commands.hpp"
#include "cli/manual/reference.hpp"

namespace {

using namespace watchbill;

Result<void> write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  return file ? Result<void>() : fail(ErrorKind::storage, "{} cannot be written", path);
}

Result<void> renew(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  auto renewed = cli::renewed_reference(text.str(), cli::all_commands(nullptr));
  return renewed ? write_text(path, *renewed) : renewed.error();
}

Result<void> write_pages(const std::string& folder, const std::string& date) {
  const cli::ManualInfo info{std::string(cli::version()), date};
  for (const auto& [name, text] : cli::manual(cli::all_commands(nullptr), info)) {
    if (auto done = write_text(fmt::format("{}/{}", folder, name), text); !done) return done;
  }
  return {};
}

Result<void> write_completions(const std::string& folder) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    auto script = cli::completion_script(shell);
    if (!script) return script.error();
    if (auto done = write_text(folder + "/watchbill." + shell, *script); !done) return done;
  }
  return {};
}

Result<void> run(const std::vector<std::string>& args) {
  if (args.size() == 2 && args[0] == "reference") return renew(args[1]);
  if (args.size() == 3 && args[0] == "manual") return write_pages(args[1], args[2]);
  if (args.size() == 2 && args[0] == "completions") return write_completions(args[1]);
  return fail(ErrorKind::invalid,
              "usage: watchbill-docs reference FILE | manual FOLDER DATE | completions FOLDER");
}

}  // namespace

int main(int argc, char** argv) {
  const auto done = run({argv + 1, argv + argc});
  if (!done) std::cerr << "watchbill-docs: " << done.error().message << "\n";
  return done ? 0 : 1;
}
