# bash completion for wconf; load with: source <(wconf completion bash)
_wconf() {
    local line candidates=() rest=:none
    while IFS= read -r line; do
        case $line in
            :files | :none) rest=$line ;;
            *) candidates+=("${line%%$'\t'*}") ;;
        esac
    done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    COMPREPLY=()
    for line in "${candidates[@]}"; do
        COMPREPLY+=("$(printf '%q' "$line")")
    done
    if [[ $rest == :files ]]; then
        compopt -o default 2>/dev/null
    fi
}
complete -F _wconf wconf
