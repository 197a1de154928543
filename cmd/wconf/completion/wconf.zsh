#compdef wconf
# zsh completion for wconf; load with: source <(wconf completion zsh)
_wconf() {
    local line rest=:none
    local -a candidates
    while IFS= read -r line; do
        case $line in
            :files | :none) rest=$line ;;
            *) candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        esac
    done < <("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    _describe 'wconf' candidates
    [[ $rest == :files ]] && _files
}
compdef _wconf wconf
