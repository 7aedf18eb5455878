#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace watchbill::cli {

/// Commands that run within this one may become the owner of the store (store/files.hpp); what follows needs
/// root again: who the process was when this was made, it is when this ends.
class AsBefore {
 public:
  AsBefore();
  ~AsBefore();
  AsBefore(const AsBefore&) = delete;
  AsBefore& operator=(const AsBefore&) = delete;

 private:
  uid_t user_;
  gid_t group_;
};

/// Runs a program of the system, without a shell, and waits for it: true if it ended with 0.
bool run_program(std::vector<std::string> words);

}  // namespace watchbill::cli
