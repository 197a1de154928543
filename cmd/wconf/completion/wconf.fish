# fish completion for wconf; load with: wconf completion fish | source
function __wconf_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l files no
    for line in ($words[1] __complete $words[2..-1] 2>/dev/null)
        switch $line
            case :files
                set files yes
            case :none
            case '*'
                echo $line
        end
    end
    if test $files = yes
        __fish_complete_path (commandline -ct)
    end
end
complete -c wconf -f -a '(__wconf_complete)'
