// SPDX-License-Identifier: GPL-2.0-only
// What the commands share that start another program.
#pragma once

#include <string>
#include <vector>

namespace fief::cli {

/// The status where a program cannot be run, as shells have it.
inline constexpr int kNotRun = 127;

/// @p command as exec takes it, ending in a null pointer. It refers to @p command.
inline std::vector<char*> argument_vector(std::vector<std::string>& command) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (auto& argument : command)
    arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  return arguments;
}

}  // namespace fief::cli
