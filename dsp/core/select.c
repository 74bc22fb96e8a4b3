/* Hoare's selection: parts the array around its middle value until the rank's place is reached. */
#include "dsp/core/select.h"

static void swap(float *a, float *b)
{
    float x = *a;
    *a = *b;
    *b = x;
}

float xw_dsp_select(float *x, unsigned n, unsigned rank)
{
    long low = 0, high = (long)n - 1, k = (long)rank;
    while (low < high) {
        long middle = low + (high - low) / 2, i = low, j = high;
        /* The median of three keeps what is sorted already from being the worst case. */
        if (x[middle] < x[low])
            swap(&x[middle], &x[low]);
        if (x[high] < x[low])
            swap(&x[high], &x[low]);
        if (x[high] < x[middle])
            swap(&x[high], &x[middle]);
        float pivot = x[middle];
        while (i <= j) {
            while (x[i] < pivot)
                i++;
            while (x[j] > pivot)
                j--;
            if (i <= j)
                swap(&x[i++], &x[j--]);
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return x[rank];
}

float xw_dsp_select_median(float *x, unsigned n)
{
    if (!n)
        return 0;
    float upper = xw_dsp_select(x, n, n / 2), lower = x[0];
    if (n % 2)
        return upper;
    for (unsigned i = 1; i < n / 2; i++)
        lower = x[i] > lower ? x[i] : lower;
    return 0.5F * (lower + upper);
}
