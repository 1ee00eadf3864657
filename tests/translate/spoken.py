"""The numbers that are said in words, in English and in Chinese; up to four they are part of idioms, and left out."""

import re
from collections import Counter

TEENS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
         "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
UNITS = {word: value for value, word in enumerate(TEENS)}
TENS = {word: 10 * value for value, word in enumerate(
    ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2)}
LARGE = {"thousand": 10 ** 3, "million": 10 ** 6, "billion": 10 ** 9}
ONES = {"零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
PLACES = {"十": 10, "百": 100, "千": 1000}
IDIOMATIC = 4

NUMERALS = "".join((*ONES, *PLACES, "万亿"))
IN_CHINESE = re.compile(rf"([{NUMERALS}]+)(?:点([{''.join(ONES)}]+)|[个倍](半))?")


def counted(values: list[float]) -> Counter[float]:
    return Counter(value for value in values if value > IDIOMATIC or value != int(value))


def numbers_said_in_english(text: str) -> Counter[float]:
    """Such as `two thousand four hundred`, `one point seven`, `four and a half billion`."""
    words = re.findall(r"[a-z]+|[^\sa-z]", text.lower().replace("-", " "))
    values, i = [], 0
    while i < len(words):
        whole, part, before, digits = 0.0, 0.0, "", ""
        while i < len(words):
            word, following = words[i], words[i + 1:i + 3]
            if word == "a" and not before and following[:1] and following[0] in ("hundred", *LARGE):
                part = 1
            elif word in UNITS and before not in UNITS:
                part += UNITS[word]
            elif word in TENS and before not in UNITS and before not in TENS:
                part += TENS[word]
            elif word == "hundred" and before:
                part *= 100
            elif word in LARGE and before:
                whole, part = whole + part * LARGE[word], 0
            elif word == "and" and before and following == ["a", "half"]:
                part, i = part + 0.5, i + 2
            elif not (word == "and" and before == "hundred" and following[:1] and following[0] in {**UNITS, **TENS}):
                break
            before, i = word, i + 1
        if not before:
            i += 1
            continue
        if words[i:i + 1] == ["point"]:
            i += 1
            while i < len(words) and words[i] in UNITS:
                digits, i = digits + str(UNITS[words[i]]), i + 1
        values.append(whole + part + (float(f"0.{digits}") if digits else 0))
    return counted([round(value, 9) for value in values])


def whole_in_chinese(numerals: str) -> int:
    total = section = digit = 0
    for each in numerals:
        if each in ONES:
            digit = ONES[each]
        elif each in PLACES:
            section, digit = section + (digit or 1) * PLACES[each], 0
        else:
            total, section, digit = (total + section + digit) * {"万": 10 ** 4, "亿": 10 ** 8}[each], 0, 0
    return total + section + digit


def numbers_said_in_chinese(text: str) -> Counter[float]:
    """Such as 两千四百, 一点七, 四十五亿, 两倍半; 百分之 and 百分点 are none."""
    text = text.replace("百分", "，")
    return counted([float(f"{whole_in_chinese(numerals)}.{''.join(str(ONES[digit]) for digit in digits)}" if digits else
                          whole_in_chinese(numerals) + 0.5 * bool(half))
                    for numerals, digits, half in IN_CHINESE.findall(text)])
