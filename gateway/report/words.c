/* The page's own words. */
#include "report/internal.h"

#include <stdio.h>
#include <string.h>

struct word {
    const char *zh, *en, *both;
};

static const struct word WORD[XR_WORDS_N] = {
    [XR_TITLE] = {"心电图报告单", "Electrocardiogram Report", "心电图报告单 ECG Report"},
    [XR_TITLE_UNSIGNED] = {"心电图", "Electrocardiogram", "心电图 Electrocardiogram"},
    [XR_WATERMARK] = {"心电图 未审核", "ECG  NOT REVIEWED", "未审核 NOT REVIEWED"},
    [XR_BY_MACHINE] = {"机器分析", "Machine analysis", "机器分析 Machine analysis"},
    [XR_BY_PERSON] = {"心电图诊断", "ECG diagnosis", "心电图诊断 ECG diagnosis"},
    [XR_NO_STATEMENTS] = {"机器未作陈述", "The machine made no statements",
                          "机器未作陈述 The machine made no statements"},
    [XR_QUALITY] = {"信号质量", "Signal quality", "信号质量 Signal quality"},
    [XR_CAPTURED] = {"采集时间", "Recorded", "采集时间 Recorded"},
    [XR_CAPTURED_UNKNOWN] = {"采集时间不详", "time of recording not known",
                             "采集时间不详 time of recording not known"},
    [XR_BAND] = {"带宽", "band", "带宽 band"},
    [XR_NO_BAND] = {"无滤波", "no filter", "无滤波 no filter"},
    [XR_MAINS] = {"工频滤除", "mains filter", "工频滤除 mains filter"},
    [XR_NO_MAINS] = {"工频滤波关", "mains filter off", "工频滤波关 mains filter off"},
    [XR_CHECK_LINE] = {"100 mm 校验线", "100 mm check line", "100 mm 校验线 check line"},
    [XR_DISCLAIMER] = {"机器分析仅供参考，医师签名后有效",
                       "Machine analysis for reference only; valid when signed by a physician",
                       "机器分析仅供参考，医师签名后有效 Valid only when signed by a physician"},
    [XR_VERSION] = {"分析版本", "analysis version", "分析版本 version"},
    [XR_PAGE] = {"页", "page", "页 page"},
    [XR_CONTINUED] = {"续下页", "continued overleaf", "续下页 continued"},
    [XR_TABLE] = {"各导联测量值", "Measurements of each lead",
                  "各导联测量值 Measurements of each lead"},
    [XR_MISSING] = {"缺字", "characters without a glyph", "缺字 no glyph"},
    [XR_NO_SIGNAL] = {"无信号", "no signal", "无信号 no signal"},
    [XR_NOT_RECORDED] = {"未记录", "not recorded", "未记录 not recorded"},
    [XR_UNFIT] = {"不合格", "unfit", "不合格 unfit"},
    [XR_CUT] = {"超出幅面已截", "cut: beyond its place", "超出幅面已截 cut"},
    [XR_DERIVED] = {"* 由 I、II 导联算出", "* computed from I and II",
                    "* 由 I、II 导联算出 computed from I, II"},
    [XR_CORRECTED] = {"# 医师修正", "# corrected by a physician", "# 医师修正 corrected"},
    [XR_SIGN_HERE] = {"医师签名", "Physician", "医师签名 Physician"},
    [XR_SECONDS] = {"秒", "s", "s"},
};

static const struct word FLAW[] = {
    {"无波形", "flat", "无波形 flat"},         {"饱和", "saturated", "饱和 saturated"},
    {"有缺失", "gaps", "有缺失 gaps"},         {"干扰", "noise", "干扰 noise"},
    {"基线漂移", "wander", "基线漂移 wander"}, {"跳变", "step", "跳变 step"},
    {"幅度异常", "range", "幅度异常 range"},
};

static const struct word VERDICT[] = {
    [XW_ECG12_UNACCEPTABLE] = {"不可判读", "not readable", "不可判读 not readable"},
    [XW_ECG12_LIMITED] = {"部分可判读", "limited", "部分可判读 limited"},
    [XW_ECG12_ACCEPTABLE] = {"合格", "acceptable", "合格 acceptable"},
};

static const struct word REASON[] = {
    [XW_ECG12_REASON_NONE] = {"", "", ""},
    [XW_ECG12_REASON_NO_SIGNAL] = {"各导联均无信号", "no lead has a signal",
                                   "各导联均无信号 no lead has a signal"},
    [XW_ECG12_REASON_NO_LEADS] = {"各导联均不合格", "every lead is unfit",
                                  "各导联均不合格 every lead is unfit"},
    [XW_ECG12_REASON_NO_BEATS] = {"未能识别 QRS 波", "no QRS complexes can be told",
                                  "未能识别 QRS 波 no QRS complexes"},
    [XW_ECG12_REASON_UNLIKE] = {"各次波形互不相似", "beats do not resemble each other",
                                "各次波形互不相似 beats unlike each other"},
    [XW_ECG12_REASON_MANY_LEADS] = {"半数以上导联不合格", "more than half of the leads are unfit",
                                    "半数以上导联不合格 most leads unfit"},
    [XW_ECG12_REASON_SOME_LEADS] = {"个别导联不合格", "some leads are left out",
                                    "个别导联不合格 some leads left out"},
    [XW_ECG12_REASON_FEW_LEADS] = {"不足十二导联", "fewer than twelve leads",
                                   "不足十二导联 fewer than twelve leads"},
};

static const struct word GRADE[] = {
    [XW_REPORT_UNGRADED] = {"", "", ""},
    [XW_REPORT_NORMAL] = {"正常", "normal", "正常 normal"},
    [XW_REPORT_BORDERLINE] = {"大致正常", "borderline", "大致正常 borderline"},
    [XW_REPORT_ABNORMAL] = {"异常", "abnormal", "异常 abnormal"},
    [XW_REPORT_CRITICAL] = {"危急", "CRITICAL", "危急 CRITICAL"},
};

const char *xw_report_pick(const struct xw_report *r, const char *zh, const char *en,
                           const char *both)
{
    return r->language == XW_REPORT_ZH ? zh : r->language == XW_REPORT_EN ? en : both;
}

static const char *of(const struct xw_report *r, const struct word *w)
{
    return xw_report_pick(r, w->zh, w->en, w->both);
}

const char *xw_report_word(const struct xw_report *r, enum xr_word word)
{
    return of(r, &WORD[word]);
}

const char *xw_report_flaw_word(const struct xw_report *r, unsigned bit)
{
    return bit < XW_ARRAY_N(FLAW) ? of(r, &FLAW[bit]) : "";
}

const char *xw_report_verdict_word(const struct xw_report *r)
{
    return of(r, &VERDICT[r->verdict]);
}

const char *xw_report_reason_word(const struct xw_report *r)
{
    return of(r, &REASON[r->reason]);
}

const char *xw_report_grade_word(const struct xw_report *r, enum xw_report_grade grade)
{
    return of(r, &GRADE[grade]);
}

char *xw_report_join(const struct xw_report *r, const char *zh, const char *en, char *ret_text,
                     size_t n_bytes)
{
    bool has_zh = zh && *zh;
    bool has_en = en && *en;
    bool both = r->language == XW_REPORT_BOTH && has_zh && has_en && strcmp(zh, en) != 0;
    bool take_en = has_en && (r->language == XW_REPORT_EN || !has_zh);
    if (both)
        snprintf(ret_text, n_bytes, "%s %s", zh, en);
    else
        snprintf(ret_text, n_bytes, "%s", take_en ? en : has_zh ? zh : "");
    return ret_text;
}
