/** 1 KB, 10 KB, 100 KB and 1 MB. */
export const SIZES = [1_024, 10_240, 102_400, 1_048_576] as const;
