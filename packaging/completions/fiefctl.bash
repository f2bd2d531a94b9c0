# SPDX-License-Identifier: GPL-2.0-only
# bash completion for fiefctl(1)

# The delegations and patterns of the running daemon, by name and by cgroup.
_fiefctl_subjects() {
    { fiefctl policy show --json; fiefctl status --json; } 2>/dev/null |
        sed -n 's/^ *"\(name\|cgroup\|delegation\)": "\(..*\)",$/\2/p' | sort -u
}

_fiefctl() {
    local cur prev words cword
    _init_completion -n = || return

    local commands='status tree top map irq run monitor history metrics explain policy set attach detach revert kill boost'
    commands+=' replan leave reload check pods plan dump'
    local command='' word
    for word in "${words[@]:1:cword-1}"; do
        if [[ " $commands " == *" $word "* ]]; then
            command=$word
            break
        fi
    done

    case $prev in
        --policy | --cgroups | --previous | --topology | --svg | --varlink)
            _filedir
            return
            ;;
        --textfile | --directory | -D)
            _filedir -d
            return
            ;;
        --scheduler)
            COMPREPLY=($(compgen -W 'fair latency batch' -- "$cur"))
            return
            ;;
        --since | --until | -S | -U)
            COMPREPLY=($(compgen -W '-1h today yesterday' -- "$cur"))
            return
            ;;
        --reason | --option | --interval | --lines | -n) return ;;
    esac

    local keys='weight= min-cpus= max-cpus= exclusive= placement= cores= smt= lend= landing-cpus= borrow='
    local options=''
    case $command in
        '') options="$commands --varlink --help --version" ;;
        status) options='--json --check --help' ;;
        tree | map | monitor) options='--json --help' ;;
        irq) options='--json --irqbalance --help' ;;
        run) options="--of --help $(compgen -c -- "$cur")" ;;
        history)
            options="--json --since --until --lines --boot --follow --directory --help $(_fiefctl_subjects)"
            ;;
        reload) options='--json --dry-run --help' ;;
        top) options='--json --once --interval --help' ;;
        metrics) options='--prometheus --textfile --listen --help' ;;
        policy) options='show --json --defaults --offline --help' ;;
        set | boost)
            [[ $command == set ]] && options='--json --runtime --help' || options='--reason --help'
            [[ $cur == -* ]] || options="$(_fiefctl_subjects) $keys"
            ;;
        attach) options="--json --runtime --scheduler --option --help $(_fiefctl_subjects)" ;;
        detach) options="--json --runtime --help $(_fiefctl_subjects)" ;;
        revert) options="--json --help $(_fiefctl_subjects)" ;;
        kill) options="--json --reason --help $(_fiefctl_subjects)" ;;
        replan) options='--json --from-scratch --help' ;;
        pods) options='--class --help' ;;
        plan) options='--json --svg --help --policy --topology --cgroups --previous --member --machine' ;;
        explain) options="--json --help --policy --topology --cgroups --previous --member --machine $(_fiefctl_subjects)" ;;
        check)
            if [[ $cur != -* ]]; then
                _filedir json
                return
            fi
            options='--json --bpf-dir --machine --help'
            ;;
    esac
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}

complete -F _fiefctl fiefctl
