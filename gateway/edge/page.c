/* The status page's files as they lie in page/, put into the binary by the assembler. */
#include "edge/page.h"

#define EMBED(name, file)                                                                          \
    __asm__(".section .rodata\n"                                                                   \
            ".global " name "\n" name ":\n"                                                        \
            ".incbin \"" XW_PAGE_DIR "/" file "\"\n"                                               \
            ".global " name "_end\n" name "_end:\n"                                                \
            ".byte 0\n"                                                                            \
            ".text\n")

EMBED("xw_page_html", "index.html");
EMBED("xw_page_css", "status.css");
EMBED("xw_page_js", "status.js");
