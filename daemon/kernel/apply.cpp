// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/apply.hpp"

#include <algorithm>
#include <span>

namespace fief {
namespace {

Status run_ops(const SchedulerObject& parent, std::span<const GrantOp> ops, fief_apply_args args,
               std::vector<RefusedOp>& refused) {
  fief_state& state = *parent.state();
  for (std::size_t i = 0; i < ops.size(); ++i)
    write_op(ops[i], state.ops[i]);
  args.nr_ops = static_cast<__u32>(ops.size());
  if (const auto status = parent.run_apply(args); !status)
    return status;
  for (std::size_t i = 0; i < ops.size(); ++i)
    if (state.ops[i].result != 0)
      refused.push_back({ops[i], -state.ops[i].result, from_abi(state.ops[i].refused)});
  return {};
}

}  // namespace

Result<std::vector<RefusedOp>> apply_level(const SchedulerObject& parent, SlotTable& slots,
                                           const LevelPlan& level, const std::vector<GrantOp>& ops,
                                           std::uint64_t plan_number) {
  if (const auto status = slots.update(level); !status)
    return tl::unexpected(status.error());
  fief_state& state = *parent.state();
  if (const auto status = write_cid_plans(level, slots, state); !status)
    return tl::unexpected(status.error());

  const fief_apply_args args{
      .nr_ops = 0, .nr_slots = slots.write(level, state), .plan_number = plan_number};
  std::vector<RefusedOp> refused;
  std::span<const GrantOp> rest(ops);
  do {
    const auto batch = rest.first(std::min<std::size_t>(rest.size(), FIEF_MAX_OPS));
    if (const auto status = run_ops(parent, batch, args, refused); !status)
      return tl::unexpected(status.error());
    rest = rest.subspan(batch.size());
  } while (!rest.empty());
  return refused;
}

}  // namespace fief
