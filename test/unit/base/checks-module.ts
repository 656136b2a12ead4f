/** Options as a module exports them. */
export const attempts = 2
