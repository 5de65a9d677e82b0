/* What Debian's build of LLVM's unwinder asks of the GNU C library, for musl: it tells with it why it gives up. */
#include <stdarg.h>
#include <stdio.h>

int __fprintf_chk(FILE *to, int flag, const char *format, ...) {
    va_list words;
    (void)flag;
    va_start(words, format);
    int written = vfprintf(to, format, words);
    va_end(words);
    return written;
}
