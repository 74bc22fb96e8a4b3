/* The annotation codes and their mnemonics, as WFDB's ecgcodes has them. */
#include <string.h>

#include "wfdb/wfdb.h"

static const char mnemonics[XW_WFDB_CODES_N][2] = {
    [XW_WFDB_NORMAL] = "N",   [XW_WFDB_LBBB] = "L",   [XW_WFDB_RBBB] = "R",
    [XW_WFDB_ABERR] = "a",    [XW_WFDB_PVC] = "V",    [XW_WFDB_FUSION] = "F",
    [XW_WFDB_NPC] = "J",      [XW_WFDB_APC] = "A",    [XW_WFDB_SVPB] = "S",
    [XW_WFDB_VESC] = "E",     [XW_WFDB_NESC] = "j",   [XW_WFDB_PACE] = "/",
    [XW_WFDB_UNKNOWN] = "Q",  [XW_WFDB_NOISE] = "~",  [XW_WFDB_ARFCT] = "|",
    [XW_WFDB_STCH] = "s",     [XW_WFDB_TCH] = "T",    [XW_WFDB_SYSTOLE] = "*",
    [XW_WFDB_DIASTOLE] = "D", [XW_WFDB_NOTE] = "\"",  [XW_WFDB_MEASURE] = "=",
    [XW_WFDB_PWAVE] = "p",    [XW_WFDB_BBB] = "B",    [XW_WFDB_PACESP] = "^",
    [XW_WFDB_TWAVE] = "t",    [XW_WFDB_RHYTHM] = "+", [XW_WFDB_UWAVE] = "u",
    [XW_WFDB_LEARN] = "?",    [XW_WFDB_FLWAV] = "!",  [XW_WFDB_VFON] = "[",
    [XW_WFDB_VFOFF] = "]",    [XW_WFDB_AESC] = "e",   [XW_WFDB_SVESC] = "n",
    [XW_WFDB_LINK] = "@",     [XW_WFDB_NAPC] = "x",   [XW_WFDB_PFUS] = "f",
    [XW_WFDB_WFON] = "(",     [XW_WFDB_WFOFF] = ")",  [XW_WFDB_RONT] = "r",
};

const char *xw_wfdb_code_mnemonic(int code)
{
    return code > 0 && code < XW_WFDB_CODES_N ? mnemonics[code] : "";
}

int xw_wfdb_code_of(const char *mnemonic)
{
    for (int code = 1; code < XW_WFDB_CODES_N; code++) {
        if (mnemonics[code][0] && strcmp(mnemonics[code], mnemonic) == 0)
            return code;
    }
    return -1;
}

bool xw_wfdb_code_is_beat(int code)
{
    static const char beats[] = "NLRaVFJASEj/QB?enfr";
    const char *mnemonic = xw_wfdb_code_mnemonic(code);
    return *mnemonic && strchr(beats, *mnemonic);
}
