#pragma once

#include <array>
#include <string_view>

/// The command line of watchbilld: its `--help` and its page of the manual follow it.
namespace watchbill::config {

struct DaemonOption {
  char letter = 0;
  std::string_view name;
  std::string_view value;  ///< "FILE"; empty: a flag without a value
  std::string_view help;
};

inline constexpr std::array kDaemonOptions{
    DaemonOption{0, "config", "FILE", "configuration file (default: /etc/watchbill/watchbill.yaml)"},
    DaemonOption{0, "store", "FILE", "database file, instead of the configuration's"},
    DaemonOption{0, "once", "", "make one pass, drain the outbox and exit"},
    DaemonOption{0, "check-config", "", "check the configuration and exit"},
    DaemonOption{0, "version", "", "print the version and exit"},
    DaemonOption{'h', "help", "", "print this help and exit"},
};

struct DaemonExample {
  std::string_view command;
  std::string_view meaning;
};

inline constexpr std::string_view kDaemonSummary = "Keeps Slack user groups equal to who is on call.";
inline constexpr std::array kDaemonExamples{
    DaemonExample{"watchbilld --config /etc/watchbill/watchbill.yaml", ""},
    DaemonExample{"watchbilld --check-config",
                  "tells whether the configuration is right, and where it is not"},
    DaemonExample{"watchbilld --once", "one pass: exits 0 when every rotation is in sync"},
};
inline constexpr std::string_view kDaemonSignals =
    "SIGHUP reads the configuration again; SIGTERM ends when what is in flight has ended.";

}  // namespace watchbill::config
