/** The options `cache` that turn the near cache on. */
export const NEAR_CACHE: object | undefined = { near: true };
