/* binary16 by its bits, the same everywhere. */
#include "dsp/net12/model.h"

#include <math.h>
#include <string.h>

float xw_net12_float(uint16_t half)
{
    unsigned exponent = half >> 10 & 31U, fraction = half & 1023U;
    float x = exponent == 31 ? (fraction ? NAN : INFINITY)
              : exponent     ? ldexpf((float)(1024 + fraction), (int)exponent - 25)
                             : ldexpf((float)fraction, -24);
    return half >> 15 ? -x : x;
}

uint16_t xw_net12_half(float x)
{
    uint16_t sign = signbit(x) ? 0x8000 : 0;
    double size = fabs((double)x);
    if (isnan(x))
        return 0x7e00;
    if (size >= 65504)
        return (uint16_t)(sign | 0x7bff);
    int exponent = 0;
    (void)frexp(size, &exponent); /* size = m * 2^exponent, m in 0.5..1 */
    if (size <= 0 || exponent < -13)
        exponent = -13; /* below: multiples of 2^-24 */
    double steps = nearbyint(ldexp(size, 11 - exponent));
    /* 1024..2047 steps are a full significand; 2048 carry into the exponent by themselves. */
    unsigned bits = (unsigned)steps + ((unsigned)(exponent + 13) << 10);
    return (uint16_t)(sign | (bits > 0x7bff ? 0x7bff : bits));
}
