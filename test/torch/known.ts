/** What polyak does otherwise than PyTorch 1.13, on purpose. */
export interface Known {
  readonly why: string;
  readonly names: readonly string[];
  /** The faults it is about; default all. */
  readonly fault?: RegExp;
}

/** Not compared at all: what they give is not defined, or the record calls them in a form of its own. */
export const skipped: Readonly<Record<string, readonly string[]>> = {
  'random numbers': [
    'bernoulli', 'multinomial', 'normal', 'rand_like', 'randint', 'randint_like', 'randn', 'randn_like', 'nn.functional.dropout', 'nn.functional.dropout2d', 'nn.functional.dropout3d', 'nn.functional.alpha_dropout',
    'nn.functional.feature_alpha_dropout', 'nn.functional.rrelu', 'nn.functional.fractional_max_pool2d', 'nn.functional.fractional_max_pool3d', 'RReLU', 'pca_lowrank', 'svd_lowrank',
  ],
  'memory that is not filled': ['empty', 'empty_like', 'new_empty', 'new_empty_strided'],
  'signs of vectors': ['svd', 'linalg.svd', 'linalg.eigh'],
  'another function of that name': ['slice'],
  'a leaf that is written in place': ['zero_'],
};

/** Differences that are meant. */
export const known: readonly Known[] = [
  { why: 'factors of whole numbers are whole, as the documentation says; PyTorch cuts', names: ['addbmm', 'addcmul', 'addmm', 'addmv', 'baddbmm'], fault: /whole number|fraction/ },
  { why: 'true and false are no numbers', names: ['add', 'index_add', 'arange', 'addr'], fault: /not a number|not finite numbers|expected bool/ },
  { why: 'numbers are taken where PyTorch wants tensors', names: ['clamp_max', 'clamp_min', 'atan2', 'eq', 'ne', 'lt', 'le', 'gt', 'ge', 'fmod', 'rsub', 'maximum', 'minimum', 'logical_and', 'logical_or', 'logical_xor', 'heaviside'], fault: /was not refused/ },
  { why: 'results go to new tensors, and `out` is no option of all functions', names: ['masked_select', 'take'], fault: /was not refused/ },
  { why: 'an int32 is an index', names: ['gather', 'scatter', 'scatter_add'], fault: /was not refused/ },
  { why: 'a uint8 is no index, not even an empty one', names: ['gather'], fault: /not made of whole numbers/ },
  { why: 'a number of steps has no type', names: ['linspace', 'logspace'], fault: /was not refused/ },
  { why: 'tensors may have more than 64 dimensions', names: ['amax', 'amin', 'aminmax'], fault: /was not refused/ },
  { why: 'pools of nothing are nothing', names: ['nn.functional.max_pool1d', 'nn.functional.max_pool3d'], fault: /was not refused/ },
  { why: 'which of equal elements is not defined', names: ['kthvalue', 'topk', 'mode'], fault: /part 1 is/ },
  { why: 'the order of values that are not sorted is not defined, and PyTorch 1.13 took the last of three dimensions in another', names: ['unique'], fault: /is .* expected/ },
  { why: 'edges that do not ascend mean nothing', names: ['histogram'], fault: /part 0 is/ },
  { why: 'numbers below 0 do not go round in uint8', names: ['arange'], fault: /does not fit uint8/ },
  { why: 'PyTorch 1.13 rounds whole steps in blocks', names: ['linspace'], fault: /expected/ },
  { why: 'PyTorch 1.13 gives scalars a dimension', names: ['aminmax'], fault: /has the shape/ },
  { why: 'scalars keep their dtype', names: ['sum_to_size'], fault: /expected int64/ },
  { why: 'what is not read has no gradient', names: ['cholesky_inverse', 'cholesky_solve'], fault: /gradient|derivative/ },
  { why: 'derivatives of singular matrices depend on the way', names: ['linalg.det'], fault: /gradient|derivative/ },
  { why: 'the residuals have gradients, as in newer PyTorch', names: ['linalg.lstsq'], fault: /gradient|derivative/ },
  { why: 'all four results are given', names: ['linalg.lstsq'], fault: /has 4 parts/ },
  { why: 'where nothing is left of a difference of floats', names: ['cov', 'nn.functional.layer_norm'], fault: /e-\d|0\.0000|is 0 at/ },
  { why: 'the derivative at 0 is a number', names: ['linalg.norm'], fault: /expected NaN/ },
  { why: 'a target of 0 has a gradient that is a number', names: ['PoissonNLLLoss'], fault: /expected NaN/ },
  { why: 'more exact than PyTorch 1.13', names: ['linalg.vector_norm', 'special.airy_ai', 'special.bessel_j0', 'special.bessel_j1', 'special.bessel_y0', 'special.bessel_y1'], fault: /is .* expected/ },
  { why: 'floats only', names: ['nn.functional.local_response_norm'], fault: /not a float tensor/ },
  { why: 'a single number has no classes and no channels', names: ['nn.functional.multi_margin_loss', 'nn.functional.batch_norm'], fault: /labels do not fit|no channels/ },
  { why: 'an empty list is no stride', names: ['nn.functional.avg_pool2d'], fault: /invalid stride/ },
  { why: 'limits in the wrong order are refused, as in newer PyTorch', names: ['nn.functional.hardtanh'], fault: /wrong order/ },
  { why: 'sparse gradients do not exist', names: ['nn.functional.embedding', 'nn.functional.embedding_bag'], fault: /sparse gradients/ },
  { why: 'PyTorch 1.13 divides by the count of another row', names: ['nn.functional.embedding_bag'], fault: /gradient 0/ },
  { why: 'PyTorch 1.13 leaves parts of the gradient as the memory was', names: ['as_strided_scatter'], fault: /gradient 0/ },
  { why: 'poles are infinite', names: ['polygamma', 'special.polygamma'], fault: /is -?Infinity/ },
  { why: 'a scalar is no matrix', names: ['mT'], fault: /out of range/ },
  { why: 'linalg.matrixNorm has the nuclear norm', names: ['norm'], fault: /unknown order/ },
];
