#include "cli/commands/commands.hpp"

#include <iterator>
#include <utility>

#include "base/phrase.hpp"
#include "providers/provider.hpp"

namespace watchbill::cli {

namespace {

Command sandbox_command(Handler run) {
  std::vector<std::string> played{"Slack"};
  for (const auto& adapter : providers::adapters()) played.emplace_back(adapter.title);
  return {"sandbox",
          "Run a Slack workspace and scheduling systems to try Watchbill with",
          fmt::format(
              "Starts loopback servers that behave like {}, prints one line of JSON with their addresses, "
              "tokens and keys, and runs until Ctrl-C or SIGTERM. Nothing leaves this host and nothing is "
              "kept.",
              phrase(played)),
          {},
          {{"servers-only", "", "only the servers that programs talk to, without the web page"},
           {"for-setup", "FOLDER",
            "the same, and a configuration for them in FOLDER: `watchbill --config FOLDER/watchbill.yaml "
            "setup` can be "
            "walked with the tokens and keys that are printed"},
           {"listen", "ADDRESS", "address of the control server (default 127.0.0.1:0: a free port)"},
           {"scenario", "FILE", "the world to play, in YAML (default: a demo with three handoffs a minute)"}},
          {"sandbox --servers-only", "sandbox --for-setup /tmp/walk",
           "sandbox --listen 127.0.0.1:9470 --scenario world.yaml"},
          run};
}

}  // namespace

std::vector<Command> all_commands(Handler sandbox) {
  std::vector<Command> all;
  const auto add = [&all](std::vector<Command> group) {
    std::move(group.begin(), group.end(), std::back_inserter(all));
  };
  add(setup_commands());
  add(connection_commands());
  add(schedule_commands());
  add(rotation_commands());
  add(rotation_delete_commands());
  add(apply_commands());
  add(people_commands());
  add(who_commands());
  add(history_commands());
  add(sync_commands());
  add(status_commands());
  add(doctor_commands());
  add(slack_commands());
  add(backup_commands());
  add(key_commands());
  all.push_back(sandbox_command(sandbox));
  add(completion_commands());
  return all;
}

}  // namespace watchbill::cli
