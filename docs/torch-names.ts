// What docs/torch.md says of names of PyTorch that polyak does not have, or has in another form. The first rule that matches counts.

/** A name that polyak has in another form: what, and how it differs. */
export interface Differs {
  readonly polyak: string;
  readonly how: string;
}

/** By full name below `torch.`. */
export const differs: Readonly<Record<string, Differs>> = {
  'Tensor.numpy': { polyak: 'x.data()', how: 'a copy, as a typed array' },
  'Tensor.tolist': { polyak: 'x.array()', how: 'nested arrays' },
  'Tensor.cpu': { polyak: 'x.cpu()', how: 'gives a promise' },
  'Tensor.is_leaf': { polyak: 'x.isLeaf', how: 'the same' },
  'Tensor.grad_fn': { polyak: 'x.node', how: 'the recorded operation; null for a leaf' },
  'Tensor.apply_': { polyak: 'tensor(x.data().map(f))', how: 'on the CPU, a copy' },
  'Tensor.map_': { polyak: 'tensor(x.data().map(f))', how: 'on the CPU, a copy' },
  'Tensor.H': { polyak: 'x.T', how: 'there are no complex numbers' },
  'Tensor.mH': { polyak: 'x.mT', how: 'there are no complex numbers' },
  'torch.adjoint': { polyak: 'x.mT', how: 'there are no complex numbers' },
  'Tensor.adjoint': { polyak: 'x.mT', how: 'there are no complex numbers' },
  'torch.from_numpy': { polyak: 'tensor', how: 'takes typed arrays' },
  'torch.frombuffer': { polyak: 'tensor', how: 'takes typed arrays' },
  'torch.save': { polyak: 'save', how: 'writes safetensors' },
  'torch.load': { polyak: 'load', how: 'reads safetensors' },
  'torch.no_grad': { polyak: 'noGrad(fn)', how: 'takes a function' },
  'torch.enable_grad': { polyak: 'enableGrad(fn)', how: 'takes a function' },
  'torch.set_grad_enabled': { polyak: 'setGradEnabled', how: 'a function that returns the mode before' },
  'torch.seed': { polyak: 'defaultGenerator.seed()', how: 'a method of Generator' },
  'torch.typename': { polyak: 'x.constructor.name', how: 'of JavaScript' },
  'torch.scalar_tensor': { polyak: 'tensor', how: 'takes a number' },
  'autograd.Function': { polyak: 'customOp', how: 'a function of forward and gradient' },
  'autograd.no_grad': { polyak: 'noGrad(fn)', how: 'takes a function' },
  'autograd.enable_grad': { polyak: 'enableGrad(fn)', how: 'takes a function' },
  'autograd.set_grad_enabled': { polyak: 'setGradEnabled', how: 'a function that returns the mode before' },
  'autograd.inference_mode': { polyak: 'noGrad(fn)', how: 'there is no mode beyond it' },
  'autograd.Variable': { polyak: 'Tensor', how: 'the same since PyTorch 0.4' },
  'optim.swa_utils.AveragedModel': { polyak: 'StochasticWeightAverage, ExponentialMovingAverage, LerpAverage', how: 'a class per rule; see averaging.md' },
  'optim.swa_utils.get_ema_avg_fn': { polyak: 'ExponentialMovingAverage', how: 'a class; momentum = 1 - decay' },
  'optim.swa_utils.get_ema_multi_avg_fn': { polyak: 'ExponentialMovingAverage', how: 'one kernel over all tensors anyway' },
  'optim.swa_utils.get_swa_avg_fn': { polyak: 'StochasticWeightAverage', how: 'a class' },
  'optim.swa_utils.get_swa_multi_avg_fn': { polyak: 'StochasticWeightAverage', how: 'one kernel over all tensors anyway' },
  'optim.swa_utils.update_bn': { polyak: 'updateBN', how: 'the same' },
  'utils.data.Dataset': { polyak: 'Dataset', how: 'an interface: an object with length and get(i)' },
  'utils.data.IterableDataset': { polyak: 'IterableDataset', how: 'an interface: anything that for or for await goes through' },
  'utils.data.Sampler': { polyak: 'Sampler', how: 'an interface: an iterable with a length' },
  'nn.Container': { polyak: 'Module', how: 'PyTorch keeps it for old code' },
};

/** A reason, and the full names it holds for. */
export type Absence = readonly [why: string, names: RegExp];

/** Why a name is missing. */
export const absent: readonly Absence[] = [
  ['data pipes, which PyTorch has given up', /utils\.data\.(\w*DataPipe|DataChunk|DataLoader2|functional_datapipe|guaranteed_datapipes_determinism|non_deterministic|runtime_validation\w*)$/],
  ['complex numbers are not in scope', /complex|polar|\.(conj\w*|resolve_conj|resolve_neg|is_conj|is_neg|imag|view_as_real\w*|eigvals|eig|stft|istft|cfloat|cdouble|chalf|lobpcg)$/],
  ['sparse tensors are not in scope', /sparse|\.(coalesce|is_coalesced|c?crow_indices\w*|c?col_indices\w*|row_indices\w*|ccol\w*|indices(_copy)?|values(_copy)?|hspmm|hsmm|spmm|dsmm|smm|sspaddmm|saddmm|dense_dim|to_dense|to_padded_tensor)$/i],
  ['quantised tensors are not in scope', /quant|fbgemm|\.(q_\w+|qscheme|int_repr|choose_qparams\w*)$/],
  ['automatic mixed precision: half-precision tensors compute as float32', /autocast|\.(half|bfloat16|short|char|get_float32_matmul_precision|set_float32_matmul_precision)$/],
  ['named dimensions are not in scope', /\.(names|has_names|name|refine_names|rename_?|align_as|align_to|align_tensors)$/],
  ['other back ends of PyTorch', /cudnn|mkldnn|miopen|vulkan|xpu|ipu|mps|nested|\.(cuda|is_cuda|is_ort|is_meta|is_cpu|pin_memory|is_pinned|get_device|record_stream|share_memory_|is_shared|is_xla)$/],
  ['compiler, tracing and packaging of Python', /script|jit|vitals?|\.(compile|cond|fork|wait|import_ir_module\w*|parse_\w+|merge_type\w*|unify_type_list|candidate|classproperty|obj|get_file_path|compiled_with\w*|nested_compile_region|sym_int|prepare_multiprocessing\w*|debug_unwrap|functionalize|init_num_threads)$/],
  ['Python protocols and storages', /dlpack|storage|\.(as_subclass|reinforce|data_ptr|is_set_to|set_|set_data|volatile|output_nr|layout|new|type|from_file|is_inference|is_distributed|get_overridable\w*|module_load)$/],
  ['inner form of another function, undocumented', /_backward|_copy$|native_|cudnn_|batch_norm_(elemt|stats|gather\w*|update_stats)|unsafe_|_with_indices$|\.(conv_tbc|convolution|constant_pad_nd|affine_grid_generator|grid_sampler\w*|rnn_\w+|lstm|gru|lstm_cell|gru_cell|feature_dropout_?|fused_\w+|group_norm_\w+|nuclear_norm|frobenius_norm|norm_except_dim|embedding_renorm_|dropout_|segment_reduce|boolean_dispatch|handle_torch_function|has_torch_function\w*|assert_int_or_pair|is_same_size|set_anomaly_enabled|is_anomaly\w*)$/],
];
