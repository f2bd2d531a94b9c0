# SPDX-License-Identifier: GPL-2.0-only
# bash completion for fiefctl(1)

_fiefctl() {
    local cur prev words cword
    _init_completion || return

    local command= word
    for word in "${words[@]:1:cword-1}"; do
        case $word in
            status | tree | reload | check | plan | explain)
                command=$word
                break
                ;;
        esac
    done

    case $prev in
        --policy | --cgroups | --previous | --topology | --svg)
            _filedir
            return
            ;;
    esac

    local planning='--policy --topology --cgroups --previous'
    case $command in
        '') COMPREPLY=($(compgen -W 'status tree reload check plan explain --help --version' -- "$cur")) ;;
        status) COMPREPLY=($(compgen -W '--json --check --help' -- "$cur")) ;;
        tree | reload) COMPREPLY=($(compgen -W '--json --help' -- "$cur")) ;;
        check)
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W '--json --help' -- "$cur"))
            else
                _filedir json
            fi
            ;;
        plan) COMPREPLY=($(compgen -W "--json --svg --help $planning" -- "$cur")) ;;
        explain) COMPREPLY=($(compgen -W "--json --help $planning" -- "$cur")) ;;
    esac
}

complete -F _fiefctl fiefctl
