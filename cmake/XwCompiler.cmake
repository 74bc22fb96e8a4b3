# Language level, warnings and the sanitizer of the preset (XW_SANITIZE = none | address | thread | fuzzer).
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(XW_SANITIZE "none" CACHE STRING "none, address (with undefined), thread or fuzzer")

add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Werror -fno-common
    -fstack-protector-strong -ffp-contract=off)
add_compile_definitions(_GNU_SOURCE)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-missing-field-initializers)
endif()
# Identical bytes from two checkouts of one commit: no absolute path of the source in a binary.
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)

if(XW_SANITIZE STREQUAL "address")
    set(XW_SANITIZE_FLAGS -fsanitize=address,undefined -fno-sanitize-recover=undefined)
elseif(XW_SANITIZE STREQUAL "thread")
    set(XW_SANITIZE_FLAGS -fsanitize=thread)
elseif(XW_SANITIZE STREQUAL "fuzzer")
    set(XW_SANITIZE_FLAGS -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined)
elseif(NOT XW_SANITIZE STREQUAL "none")
    message(FATAL_ERROR "XW_SANITIZE: none, address, thread or fuzzer, not '${XW_SANITIZE}'")
endif()
if(XW_SANITIZE_FLAGS)
    add_compile_options(${XW_SANITIZE_FLAGS} -fno-omit-frame-pointer)
    add_link_options(${XW_SANITIZE_FLAGS})
endif()
