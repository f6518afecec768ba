let drawing = true;

/** Runs `make` while initialisations leave tensors as they are and draw nothing. */
export function withoutInit<T>(make: () => T): T {
  const before = drawing;
  drawing = false;
  try {
    return make();
  } finally {
    drawing = before;
  }
}

/** Whether initialisations do anything: not within `withoutInit`. */
export const isInitializing = (): boolean => drawing;
