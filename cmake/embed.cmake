# Writes a C source that holds texts: cmake -DOUT=FILE -DPREFIX=name_ -DFOLDER=DIR "-DFILES=a.tsv b.txt" -P embed.cmake
# Each becomes `const unsigned char PREFIXa[]` (with a final 0) and `const unsigned long PREFIXa_n` (without it).
separate_arguments(FILES)
set(text "/* Made while building; do not edit. */\n")
foreach(file ${FILES})
    get_filename_component(name ${file} NAME_WE)
    file(READ ${FOLDER}/${file} hex HEX)
    string(LENGTH "${hex}" digits)
    math(EXPR bytes "${digits} / 2")
    string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
    string(APPEND text "extern const unsigned char ${PREFIX}${name}[];\nextern const unsigned long ${PREFIX}${name}_n;\n"
        "const unsigned char ${PREFIX}${name}[] = {\n${hex}0x00};\nconst unsigned long ${PREFIX}${name}_n = ${bytes};\n")
endforeach()
file(WRITE ${OUT} "${text}")
