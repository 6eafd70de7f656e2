# Without the package bash-completion: the words up to the cursor, each as it was typed. Bash itself splits them at = and :.
if ! declare -F _get_comp_words_by_ref >/dev/null; then
_get_comp_words_by_ref()
{
    local i word joins=
    words=() cword=0
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i > 1)) && [[ -n $joins || $word == [=:]* ]]; then
            words[cword]+=$word
        else
            cword=${#words[@]}
            words[cword]=$word
        fi
        joins=
        if ((i > 0)) && [[ $word == *[=:] ]]; then joins=1; fi
    done
    cur=${words[cword]} prev=
    if ((cword > 0)); then prev=${words[cword - 1]}; fi
}
fi

