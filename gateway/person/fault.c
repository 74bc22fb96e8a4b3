/* The words of faults, by id. */
#include "person/fault.h"

struct words {
    const char *id, *zh, *en;
};

static const struct words fields[XW_PERSON_FIELDS_N] = {
    [XW_PERSON_NUMBER] = {"number", "证件号码", "number"},
    [XW_PERSON_MOTHER] = {"mother", "母亲证件号码", "mother's number"},
    [XW_PERSON_ISSUER] = {"issuer", "发号机构", "issuer of the number"},
    [XW_PERSON_NAME] = {"name", "姓名", "name"},
    [XW_PERSON_SEX] = {"sex", "性别", "sex"},
    [XW_PERSON_BIRTH] = {"birth", "出生日期或年龄", "date of birth or age"},
    [XW_PERSON_PHONE] = {"phone", "电话号码", "phone number"},
    [XW_PERSON_SCAN] = {"scan", "扫描内容", "scan"},
};

static const struct words reasons[XW_REASONS_N] = {
    [XW_REASON_EMPTY] = {"empty", "未填写", "is empty"},
    [XW_REASON_LONG] = {"too_long", "太长", "is too long"},
    [XW_REASON_LENGTH] = {"length", "位数不对", "has the wrong number of characters"},
    [XW_REASON_CHARACTER] = {"character", "含有不允许的字符",
                             "has a character that is not allowed"},
    [XW_REASON_ENCODING] = {"encoding", "文字编码错误", "is not valid text"},
    [XW_REASON_FORM] = {"form", "格式不对", "is not of a known form"},
    [XW_REASON_KIND] = {"kind", "证件类型不对", "is of another kind"},
    [XW_REASON_CHECK] = {"check_digit", "校验位不符，请核对号码",
                         "check digit is wrong: compare the number"},
    [XW_REASON_PROVINCE] = {"province", "没有这个省级代码", "has no such province"},
    [XW_REASON_NO_SUCH_DAY] = {"no_such_day", "没有这一天", "is a day that does not exist"},
    [XW_REASON_FUTURE] = {"future", "在今天之后", "is after today"},
    [XW_REASON_TOO_OLD] = {"too_old", "年龄过大", "is too long ago"},
    [XW_REASON_ORDER] = {"order", "新生儿次序应为 1 至 9", "order of birth is 1 to 9"},
    [XW_REASON_SEX_DIFFERS] = {"sex_differs", "与证件号码中的性别不一致",
                               "differs from the number's"},
    [XW_REASON_BIRTH_DIFFERS] = {"birth_differs", "与证件号码中的出生日期不一致",
                                 "differs from the number's"},
    [XW_REASON_NAMELESS] = {"nameless", "姓名与证件至少填写一项",
                            "neither a name nor a number is given"},
    [XW_REASON_TWICE] = {"twice", "重复填写", "is given twice"},
};

static const struct words none = {"", "", ""};

static const struct words *field_of(enum xw_person_field field)
{
    return (unsigned)field < XW_PERSON_FIELDS_N ? &fields[field] : &none;
}

static const struct words *reason_of(enum xw_person_reason reason)
{
    return (unsigned)reason < XW_REASONS_N ? &reasons[reason] : &none;
}

const char *xw_person_field_id(enum xw_person_field field)
{
    return field_of(field)->id;
}

const char *xw_person_reason_id(enum xw_person_reason reason)
{
    return reason_of(reason)->id;
}

const char *xw_person_field_words(enum xw_person_field field, enum xw_person_language language)
{
    return language == XW_PERSON_EN ? field_of(field)->en : field_of(field)->zh;
}

const char *xw_person_reason_words(enum xw_person_reason reason, enum xw_person_language language)
{
    return language == XW_PERSON_EN ? reason_of(reason)->en : reason_of(reason)->zh;
}

int xw_person_fault_set(struct xw_person_fault *fault, enum xw_person_field field,
                        enum xw_person_reason reason, int at)
{
    *fault = (struct xw_person_fault){.field = field, .reason = reason, .at = at};
    return -EINVAL;
}
