# bash completion for wsiflow.  Commands and options are what the program itself lists, so nothing here can be out of date.

_wsiflow() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]}
    if [ "$COMP_CWORD" -eq 1 ]; then
        local commands
        commands=$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\)  *[^ ].*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$word")
        return
    fi
    if [[ $word == -* ]]; then
        local options
        options=$("$program" "${COMP_WORDS[1]}" --help 2>/dev/null |
            sed -n '/^Options:/,$p' | grep -oE -- '^ *(-[a-zA-Z], )?--[a-z][a-z-]*=?' | tr -s ', ' '\n')
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
        [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
        return
    fi
    # The word of a command that has one, as in `wsiflow annotation convert`.
    if [ "$COMP_CWORD" -eq 2 ]; then
        local action
        action=$("$program" "${COMP_WORDS[1]}" --help 2>/dev/null | sed -n '1s/^usage: wsiflow [a-z]* \([a-z][a-z]*\) .*/\1/p')
        if [ -n "$action" ]; then
            mapfile -t COMPREPLY < <(compgen -W "$action" -- "$word")
            return
        fi
    fi
    case $previous in
    -c | --config) mapfile -t COMPREPLY < <(compgen -f -X '!*.@(yaml|yml)' -- "$word" && compgen -d -- "$word") ;;
    *) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    esac
    compopt -o filenames
}
complete -F _wsiflow wsiflow
