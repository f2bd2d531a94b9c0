# SPDX-License-Identifier: GPL-2.0-only
# fish completion for fiefctl(1)

# The delegations and patterns of the running daemon, by name and by cgroup.
function __fiefctl_subjects
    begin
        fiefctl policy show --json
        fiefctl status --json
    end 2>/dev/null |
        sed -n 's/^ *"\(name\|cgroup\|delegation\)": "\(..*\)",$/\2/p' | sort -u
end

set -l commands status tree top map irq run monitor history metrics explain policy set attach detach revert kill boost replan leave reload check pods plan dump
set -l no_command "not __fish_seen_subcommand_from $commands"

complete -c fiefctl -f
complete -c fiefctl -n $no_command -a status -d 'How the daemon and its schedulers are'
complete -c fiefctl -n $no_command -a tree -d 'The schedulers, their CPUs and CPU time'
complete -c fiefctl -n $no_command -a top -d 'Who uses how much CPU, live'
complete -c fiefctl -n $no_command -a map -d 'Who owns, shares and may borrow each CPU'
complete -c fiefctl -n $no_command -a irq -d 'Which devices interrupt whose CPUs'
complete -c fiefctl -n $no_command -a run -d 'A program that is told how many CPUs it is due'
complete -c fiefctl -n $no_command -a monitor -d 'Follow what happens'
complete -c fiefctl -n $no_command -a history -d 'What fief did and why, from the journal'
complete -c fiefctl -n $no_command -a metrics -d 'Metrics for Prometheus'
complete -c fiefctl -n $no_command -a explain -d 'Why a cgroup or CPU is as it is'
complete -c fiefctl -n $no_command -a policy -d 'The policy in force'
complete -c fiefctl -n $no_command -a set -d 'Change what a cgroup gets'
complete -c fiefctl -n $no_command -a attach -d 'Give a cgroup a scheduler'
complete -c fiefctl -n $no_command -a detach -d 'Take a cgroup its scheduler'
complete -c fiefctl -n $no_command -a revert -d 'Undo set, attach and detach'
complete -c fiefctl -n $no_command -a kill -d 'End a scheduler as a failure would'
complete -c fiefctl -n $no_command -a boost -d 'More for a cgroup while a command runs'
complete -c fiefctl -n $no_command -a replan -d 'Read everything afresh and plan'
complete -c fiefctl -n $no_command -a leave -d 'Detach every scheduler and end the service'
complete -c fiefctl -n $no_command -a reload -d 'Read the policy anew and put it in force'
complete -c fiefctl -n $no_command -a check -d 'Find every fault of a policy'
complete -c fiefctl -n $no_command -a pods -d 'Make a drop-in of what crictl lists'
complete -c fiefctl -n $no_command -a plan -d 'Who would get which CPUs'
complete -c fiefctl -n $no_command -a dump -d 'Everything the daemon knows'
complete -c fiefctl -n $no_command -l version -d 'Version'
complete -c fiefctl -n $no_command -l varlink -r -F -d 'The socket of the daemon'
complete -c fiefctl -l help -d 'Help'

set -l with_json status tree top map irq monitor history explain policy set attach detach revert kill replan leave reload check plan
set -l with_subject history explain set attach detach revert kill boost
complete -c fiefctl -n "__fish_seen_subcommand_from $with_json" -l json -d 'Print JSON'
complete -c fiefctl -n "__fish_seen_subcommand_from $with_subject" -a '(__fiefctl_subjects)'
complete -c fiefctl -n '__fish_seen_subcommand_from set boost' -a 'weight= min-cpus= max-cpus= exclusive= placement= cores= smt= lend= landing-cpus= borrow='
complete -c fiefctl -n '__fish_seen_subcommand_from irq' -l irqbalance -d 'What tells irqbalance to leave kept CPUs alone'
complete -c fiefctl -n '__fish_seen_subcommand_from run' -l of -x -a '(__fiefctl_subjects)' -d 'The delegation'
complete -c fiefctl -n '__fish_seen_subcommand_from set attach detach' -l runtime -d 'Only until the daemon restarts'
complete -c fiefctl -n '__fish_seen_subcommand_from attach' -l scheduler -x -a 'fair latency batch' -d 'Name of the scheduler'
complete -c fiefctl -n '__fish_seen_subcommand_from attach' -l option -x -d 'Option of the scheduler'
complete -c fiefctl -n '__fish_seen_subcommand_from kill boost' -l reason -x -d 'For the journal'
complete -c fiefctl -n '__fish_seen_subcommand_from replan' -l from-scratch -d 'Without regard to who has what'
complete -c fiefctl -n '__fish_seen_subcommand_from reload' -l dry-run -d 'Show what would change'
complete -c fiefctl -n '__fish_seen_subcommand_from status' -l check -d 'Exit with 4 if not as planned'
complete -c fiefctl -n '__fish_seen_subcommand_from top' -l once -d 'Print once'
complete -c fiefctl -n '__fish_seen_subcommand_from top' -l interval -x -d 'Seconds between looks'
complete -c fiefctl -n '__fish_seen_subcommand_from history' -s S -l since -x -a '-1h today yesterday' -d 'Not what was before'
complete -c fiefctl -n '__fish_seen_subcommand_from history' -s U -l until -x -a '-1h today yesterday' -d 'Not what came after'
complete -c fiefctl -n '__fish_seen_subcommand_from history' -s n -l lines -x -d 'The newest only'
complete -c fiefctl -n '__fish_seen_subcommand_from history' -s b -l boot -d 'Since the machine was booted'
complete -c fiefctl -n '__fish_seen_subcommand_from history' -s f -l follow -d 'And what happens from now on'
complete -c fiefctl -n '__fish_seen_subcommand_from history' -s D -l directory -x -a '(__fish_complete_directories)' -d 'Of journal files'
complete -c fiefctl -n '__fish_seen_subcommand_from metrics' -l prometheus -d 'The older text format'
complete -c fiefctl -n '__fish_seen_subcommand_from metrics' -l textfile -x -a '(__fish_complete_directories)' -d 'Write fief.prom there'
complete -c fiefctl -n '__fish_seen_subcommand_from metrics' -l listen -r -d 'Serve them over HTTP'
complete -c fiefctl -n '__fish_seen_subcommand_from policy' -a show -d 'Every value and its origin'
complete -c fiefctl -n '__fish_seen_subcommand_from policy' -l defaults -d 'Also what is not set'
complete -c fiefctl -n '__fish_seen_subcommand_from policy' -l offline -d 'Of the files, without the daemon'
complete -c fiefctl -n '__fish_seen_subcommand_from check policy' -F
complete -c fiefctl -n '__fish_seen_subcommand_from pods' -l class -x -d 'A class that pods may ask for'
complete -c fiefctl -n '__fish_seen_subcommand_from check' -l bpf-dir -xa '(__fish_complete_directories)' -d 'Where the schedulers lie'
for option in policy topology cgroups previous
    complete -c fiefctl -n '__fish_seen_subcommand_from plan explain' -l $option -r -F
end
complete -c fiefctl -n '__fish_seen_subcommand_from plan explain' -l member -x -d 'How many a pattern has at least'
complete -c fiefctl -n '__fish_seen_subcommand_from check plan explain' -l machine -x -d 'Facts of another machine'
complete -c fiefctl -n '__fish_seen_subcommand_from plan' -l svg -r -F -d 'Draw the plan in a file'
