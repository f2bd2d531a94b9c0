# SPDX-License-Identifier: GPL-2.0-only
# fish completion for fiefctl(1)

set -l commands status tree reload check plan explain

complete -c fiefctl -f
complete -c fiefctl -n "not __fish_seen_subcommand_from $commands" -a status -d 'How the daemon and its schedulers are'
complete -c fiefctl -n "not __fish_seen_subcommand_from $commands" -a tree -d 'The schedulers, their CPUs and CPU time'
complete -c fiefctl -n "not __fish_seen_subcommand_from $commands" -a reload -d 'Read the policy anew and put it in force'
complete -c fiefctl -n "not __fish_seen_subcommand_from $commands" -a check -d 'Find every fault of a policy'
complete -c fiefctl -n "not __fish_seen_subcommand_from $commands" -a plan -d 'Who would get which CPUs'
complete -c fiefctl -n "not __fish_seen_subcommand_from $commands" -a explain -d 'Why a cgroup or CPU is planned as it is'
complete -c fiefctl -n "not __fish_seen_subcommand_from $commands" -l version -d 'Version'
complete -c fiefctl -l help -d 'Help'
complete -c fiefctl -n "__fish_seen_subcommand_from $commands" -l json -d 'Print JSON'
complete -c fiefctl -n '__fish_seen_subcommand_from status' -l check -d 'Exit with 4 if not as planned'
complete -c fiefctl -n '__fish_seen_subcommand_from check' -F
for option in policy topology cgroups previous
    complete -c fiefctl -n '__fish_seen_subcommand_from plan explain' -l $option -r -F
end
complete -c fiefctl -n '__fish_seen_subcommand_from plan' -l svg -r -F -d 'Draw the plan in a file'
