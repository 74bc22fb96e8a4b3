# Targets `format`, `format-check`, `tidy`, `cppcheck` over our own C.
file(GLOB_RECURSE XW_ALL_C CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/dsp/*.[ch] ${CMAKE_SOURCE_DIR}/gateway/*.[ch]
     ${CMAKE_SOURCE_DIR}/tests/*.[ch] ${CMAKE_SOURCE_DIR}/proto/*.[ch])
set(XW_ONLY_C ${XW_ALL_C})
list(FILTER XW_ONLY_C INCLUDE REGEX "\\.c$")
find_program(CLANG_FORMAT clang-format)
find_program(CLANG_TIDY clang-tidy)
find_program(CPPCHECK cppcheck)
if(CLANG_FORMAT)
    add_custom_target(format COMMAND ${CLANG_FORMAT} -i ${XW_ALL_C} VERBATIM)
    add_custom_target(format-check COMMAND ${CLANG_FORMAT} --dry-run --Werror ${XW_ALL_C} VERBATIM)
endif()
find_program(RUN_CLANG_TIDY NAMES run-clang-tidy run-clang-tidy-14)
if(CLANG_TIDY AND RUN_CLANG_TIDY)
    # Everything of ours that is compiled, tests too; what protobuf-c generates lies in the build folder.
    add_custom_target(tidy COMMAND ${RUN_CLANG_TIDY} -clang-tidy-binary ${CLANG_TIDY} -p ${CMAKE_BINARY_DIR} -quiet
        "^${CMAKE_SOURCE_DIR}/(dsp|gateway|tests|proto)/.*[.]c$" VERBATIM)
endif()
if(CPPCHECK)
    add_custom_target(cppcheck COMMAND ${CPPCHECK} --project=${CMAKE_BINARY_DIR}/compile_commands.json
        --library=gtk --enable=warning,portability --inline-suppr --error-exitcode=1 --quiet
        --suppress=*:${CMAKE_BINARY_DIR}/* -i ${CMAKE_BINARY_DIR} VERBATIM)
endif()
