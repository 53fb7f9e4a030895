#!/bin/sh
# language_texts.sh DIR UDHR_ZIP MODEL -- fetches free texts from Debian packages into DIR and trains the language classifier on
# them and on the UDHR collection: dev/data/language_texts.sh DIR ../shared/data/web/udhr2.zip dev/data/language.bin
# Needs: apt-get (for downloading only; nothing is installed), dpkg-deb, and build/data/train_language (or $TRAIN_LANGUAGE).
# Each package's licence is in DIR/x/usr/share/doc/PACKAGE/copyright; the model holds hashed counts, not the texts.
set -eu
dir=$1 udhr=$2 model=$3
trainer=${TRAIN_LANGUAGE:-build/data/train_language}
packages="installation-guide-amd64 debian-handbook fortunes fortunes-min jargon-text dict-gcide fortunes-de fortunes-it fortunes-es
fortunes-pl fortunes-cs fortunes-ru fortunes-br fortunes-eo fortunes-bg fortunes-ga
manpages-uk manpages-mk manpages-sr manpages-nb manpages-fi manpages-hu manpages-tr"
mkdir -p "$dir/deb" "$dir/x"
for p in $packages; do
    ls "$dir/deb/${p}"_*.deb >/dev/null 2>&1 || (cd "$dir/deb" && apt-get download "$p" 2>/dev/null) || echo "$p: not to be had, left out" >&2
done
for d in "$dir"/deb/*.deb; do dpkg-deb -x "$d" "$dir/x"; done

set -- --udhr "$udhr" --output "$model" --epochs "${EPOCHS:-30}"
add() { # add LANGUAGE PATH: if it is there
    [ ! -e "$dir/x/$2" ] || set_more="$set_more --text $1=$dir/x/$2"
}
set_more=
guide=usr/share/doc/installation-guide-amd64
for l in ca cs da de el en es fr id it ja ko nl pt ro ru sv vi; do add $l $guide/$l; done
add zh $guide/zh_CN
add en usr/share/doc/debian-handbook/html/en-US # its other languages are half English
fortunes=usr/share/games/fortunes
for f in "$dir/x/$fortunes"/*; do
    case $f in *.dat | *.u8) ;; *) [ -f "$f" ] && add en "${f#"$dir/x/"}" ;; esac
done
for l in de fr it es pl cs ru eo bg ga sk; do
    for f in "$dir/x/$fortunes/$l"/*; do
        case $f in *.dat | *.u8) ;; *) [ -f "$f" ] && add $l "${f#"$dir/x/"}" ;; esac
    done
done
# manual pages, freed of roff, where a close neighbour has much text and the language itself has none (ru and uk, gag and tr)
for l in uk mk sr nb "fi" hu tr; do
    mkdir -p "$dir/x/man/$l"
    for f in "$dir/x/usr/share/man/$l"/man*/*.gz; do
        [ ! -f "$f" ] || gzip -dc "$f" | sed -e 's/^\.\(PP\|P\|SH\|SS\|TP\|IP\)\b.*//' -e "/^[.']/d" -e 's/\\f\(\[[^]]*\]\|.\)//g' -e 's/\\[-&~]//g'
    done > "$dir/x/man/$l/all.txt"
    case $l in sr) name=hbs ;; *) name=$l ;; esac
    [ ! -s "$dir/x/man/$l/all.txt" ] || add $name "man/$l"
done
for f in "$dir/x/usr/share/dictd/gcide.dict.dz" "$dir"/x/usr/share/doc/jargon-text/*.txt.gz; do add en "${f#"$dir/x/"}"; done
# shellcheck disable=SC2086  # paths without spaces: they come from packages
exec "$trainer" "$@" $set_more
