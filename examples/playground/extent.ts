/** Half the side of the square that points lie in. */
export const EXTENT = 1.6;
