// language_names.hpp -- from the file names of the UDHR collection to names of languages.
//
// The files are named by ISO 639-3 and a variant ("deu_1901", "srp_cyrl"). A class of the classifier is the ISO 639-1 name where
// there is one. Variants in spelling or script are one language. ISO's macrolanguages whose members differ less than the texts of
// two authors (the varieties of Quechua, of Zapotec, of Hmong, of Aymara, ...) are one class under the macrolanguage's name.
// Source: ISO 639-3 code tables (SIL), part 1 equivalents and macrolanguage mappings.
#pragma once

#include <string>
#include <string_view>

#include "language_model.hpp"

// The class of a UDHR file such as "por_BR.txt"; "" for files that hold no text in their language (numbered ones without a code).
inline std::string language_of_udhr(std::string_view file) {
    if (const size_t dot = file.find('.'); dot != std::string_view::npos) file = file.substr(0, dot);
    const std::string code(file.substr(0, file.find('_')));
    if (code.size() != 3 || std::isdigit(static_cast<unsigned char>(code[0]))) return "";
    static constexpr std::string_view table =
        "abk=ab afr=af aka=ak amh=am arb=ar arg=an asm=as aym=ay ayr=ay azj=az bam=bm bel=be ben=bn bis=bi bod=bo bos=hbs bre=br bul=bg "
        "cat=ca ces=cs cha=ch cmn=zh cos=co cym=cy dan=da deu=de div=dv dzo=dz ell=el eng=en epo=eo est=et eus=eu ewe=ee fao=fo fij=fj "
        "fin=fi fra=fr fry=fy gla=gd gle=ga glg=gl guj=gu gug=gn gyr=gyr hat=ht hau=ha heb=he hin=hi hrv=hbs hun=hu hye=hy iii=ii "
        "ibo=ig ido=io ike=iu ina=ia ind=id isl=is ita=it jav=jv jpn=ja kal=kl kan=kn kat=ka kaz=kk khk=mn khm=km kin=rw kir=ky kor=ko "
        "lao=lo lat=la lav=lv lin=ln lit=lt lug=lg ltz=lb lvs=lv mah=mh mal=ml mar=mr mkd=mk mlt=mt mly=ms mri=mi mya=my nav=nv nbl=nr ndo=ng "
        "nep=ne nld=nl nno=nn nob=nb nya=ny oci=oc ojb=oj oss=os pan=pa pes=fa plt=mg pol=pl por=pt roh=rm ron=ro run=rn rus=ru sag=sg san=sa "
        "sin=si slk=sk slv=sl sme=se smo=sm sna=sn snd=sd som=so sot=st spa=es als=sq src=sc srp=hbs ssw=ss sun=su swe=sv swh=sw tah=ty "
        "tam=ta tat=tt tel=te tgk=tg tgl=tl tha=th tir=ti ton=to tsn=tn tso=ts tuk=tk tur=tr twi=ak uig=ug ukr=uk urd=ur uzn=uz ven=ve vie=vi "
        "wln=wa wol=wo xho=xh ydd=yi yor=yo zha=za zul=zu auv=oc prv=oc lnc=oc "
        "qud=qu qug=qu quy=qu quz=qu qva=qu qvc=qu qvh=qu qvm=qu qvn=qu qwh=qu qxa=qu qxn=qu qxu=qu "
        "hms=hmn hnj=hmn hea=hmn zam=zap ztu=zap kng=kg "
        "tzc=tzo ckb=ku ";
    const size_t at = std::string_view(table).find(code + "=");
    if (at == std::string_view::npos || (at > 0 && table[at - 1] != ' ')) return code;
    const std::string_view rest = table.substr(at + 4);
    return std::string(rest.substr(0, rest.find(' ')));
}
