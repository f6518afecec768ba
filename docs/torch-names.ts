// What docs/torch.md says of names of PyTorch that polyak does not have, or has in another form.

/** A name that polyak has in another form: what, and how it differs. */
export interface Differs {
  readonly polyak: string;
  readonly how: string;
}

/** By full name below `torch.`. */
export const differs: Readonly<Record<string, Differs>> = {
  'Tensor.numpy': { polyak: 'x.data()', how: 'a copy, as a typed array' },
  'Tensor.tolist': { polyak: 'x.array()', how: 'nested arrays' },
  'Tensor.data': { polyak: 'x.detach()', how: 'x.data() is a copy, as a typed array' },
  'Tensor.storage': { polyak: 'x.storage', how: 'a property' },
  'Tensor.untyped_storage': { polyak: 'x.storage', how: 'a property; it has a dtype' },
  'Tensor.output_nr': { polyak: 'x.outputIndex', how: 'another word' },
  'Tensor.set_': { polyak: 'x.assign_(source)', how: 'takes a tensor' },
  'Tensor.cpu': { polyak: 'x.cpu()', how: 'gives a promise' },
  'Tensor.grad_fn': { polyak: 'x.node', how: 'the recorded operation; null for a leaf' },
  'Tensor.apply_': { polyak: 'tensor(x.data().map(f))', how: 'on the CPU, a copy' },
  'Tensor.map_': { polyak: 'tensor(x.data().map(f))', how: 'on the CPU, a copy' },
  'Tensor.H': { polyak: 'x.T', how: 'there are no complex numbers' },
  'Tensor.mH': { polyak: 'x.mT', how: 'there are no complex numbers' },
  'torch.adjoint': { polyak: 'x.mT', how: 'there are no complex numbers' },
  'Tensor.adjoint': { polyak: 'x.mT', how: 'there are no complex numbers' },
  'torch.as_strided_scatter': { polyak: 'x.asStridedScatter(source, layout)', how: 'takes shape, strides and offset as one object' },
  'Tensor.as_strided_scatter': { polyak: 'x.asStridedScatter(source, layout)', how: 'takes shape, strides and offset as one object' },
  'torch.from_numpy': { polyak: 'tensor', how: 'takes typed arrays' },
  'torch.frombuffer': { polyak: 'tensor', how: 'takes typed arrays' },
  'torch.save': { polyak: 'save', how: 'writes safetensors' },
  'torch.load': { polyak: 'load', how: 'reads safetensors' },
  'torch.no_grad': { polyak: 'noGrad(fn)', how: 'takes a function' },
  'torch.enable_grad': { polyak: 'enableGrad(fn)', how: 'takes a function' },
  'torch.set_grad_enabled': { polyak: 'setGradEnabled', how: 'a function that returns the mode before' },
  'Tensor.map2_': { polyak: 'tensor(x.data().map(f))', how: 'on the CPU, a copy' },
  'Tensor.real': { polyak: 'real(x)', how: 'a function; there are no complex numbers' },
  'Tensor.type': { polyak: 'x.dtype, x.to(dtype)', how: 'a property to read, a method to convert' },
  'Tensor.narrow_copy': { polyak: 'x.narrow(dim, start, length).clone()', how: 'two methods' },
  'Tensor.is_cpu': { polyak: 'x.device.name', how: 'the name of the device' },
  'Tensor.get_device': { polyak: 'x.device', how: 'the device itself' },
  'Tensor.is_set_to': { polyak: 'x.storage === y.storage', how: 'views share a storage' },
  'Tensor.new': { polyak: 'x.newTensor, x.newEmpty', how: 'two methods' },
  'torch.asarray': { polyak: 'asTensor', how: 'typed arrays are copied' },
  'torch.inference_mode': { polyak: 'noGrad(fn)', how: 'there is no mode beyond it' },
  'torch.Size': { polyak: 'x.shape', how: 'an array of numbers' },
  'torch.dtype': { polyak: 'DType', how: "a string: 'float32'" },
  'torch.device': { polyak: 'getDevice(name)', how: 'options take the name as well' },
  'torch.is_inference_mode_enabled': { polyak: 'isGradEnabled', how: 'there is no mode beyond noGrad' },
  'torch.get_num_interop_threads': { polyak: 'getNumThreads', how: 'one pool of threads' },
  'torch.set_num_interop_threads': { polyak: 'setNumThreads', how: 'one pool of threads' },
  'utils.data.Dataset': { polyak: 'Dataset', how: 'an interface: any object with `length` and `get`' },
  'utils.data.Sampler': { polyak: 'Sampler', how: 'an interface: any iterable of indices' },
  'torch.bool': { polyak: "'bool'", how: 'a string' },
  'torch.uint8': { polyak: "'uint8'", how: 'a string' },
  'torch.int32': { polyak: "'int32'", how: 'a string' },
  'torch.int64': { polyak: "'int64'", how: 'a string; 32 bits in memory, 64 on disk' },
  'torch.float32': { polyak: "'float32'", how: 'a string' },
  'torch.float64': { polyak: "'float64'", how: 'a string' },
  'torch.float': { polyak: "'float32'", how: 'a string' },
  'torch.double': { polyak: "'float64'", how: 'a string' },
  'torch.int': { polyak: "'int32'", how: 'a string' },
  'torch.long': { polyak: "'int64'", how: 'a string' },
  'torch.get_device': { polyak: 'x.device', how: 'the device itself' },
  'torch.typename': { polyak: 'x.constructor.name', how: 'of JavaScript' },
  'torch.scalar_tensor': { polyak: 'tensor', how: 'takes a number' },
  'autograd.Function': { polyak: 'customOp', how: 'a function of forward and gradient' },
  'autograd.no_grad': { polyak: 'noGrad(fn)', how: 'takes a function' },
  'autograd.enable_grad': { polyak: 'enableGrad(fn)', how: 'takes a function' },
  'autograd.set_grad_enabled': { polyak: 'setGradEnabled', how: 'a function that returns the mode before' },
  'autograd.inference_mode': { polyak: 'noGrad(fn)', how: 'there is no mode beyond it' },
  'autograd.Variable': { polyak: 'Tensor', how: 'the same since PyTorch 0.4' },
  'nn.Module.type': { polyak: "module.to('float64')", how: 'as to' },
  'nn.Module.cpu': { polyak: "module.to('cpu')", how: 'as to' },
  'nn.Module.T_destination': { polyak: 'StateDict', how: 'a type' },
  'optim.swa_utils.update_bn': { polyak: 'updateBN', how: 'with capitals' },
  'random.fork_rng': { polyak: 'forkRng(fn)', how: 'takes a function' },
  'Generator.get_state': { polyak: 'generator.getState()', how: 'numbers that go through JSON; `getRngState({ generator })` gives PyTorch’s bytes' },
  'Generator.set_state': { polyak: 'generator.setState(state)', how: 'takes what getState gave; `setRngState(bytes, { generator })` takes PyTorch’s bytes' },
  'Generator.device': { polyak: "'cpu'", how: 'a generator lives on the CPU, and draws for all devices' },
  'Generator.clone_state': { polyak: 'generator.clone()', how: 'a generator of its own' },
  'optim.swa_utils.AveragedModel': { polyak: 'StochasticWeightAverage, ExponentialMovingAverage, LerpAverage', how: 'a class per rule; see averaging.md' },
  'optim.swa_utils.get_ema_avg_fn': { polyak: 'ExponentialMovingAverage', how: 'a class; momentum = 1 - decay' },
  'optim.swa_utils.get_ema_multi_avg_fn': { polyak: 'ExponentialMovingAverage', how: 'one kernel over all tensors anyway' },
  'optim.swa_utils.get_swa_avg_fn': { polyak: 'StochasticWeightAverage', how: 'a class' },
  'utils.data.IterableDataset': { polyak: 'IterableDataset', how: 'an interface: anything that for or for await goes through' },
  'optim.swa_utils.get_swa_multi_avg_fn': { polyak: 'StochasticWeightAverage', how: 'one kernel over all tensors anyway' },
};

/** Second names that PyTorch has for one thing; polyak has the name that they stand for, in place too. */
export const aliases: Readonly<Record<string, string>> = {
  absolute: 'abs', add_module: 'register_module', arccos: 'acos', arccosh: 'acosh', arcsin: 'asin', arcsinh: 'asinh', arctan: 'atan', arctan2: 'atan2', arctanh: 'atanh', argwhere: 'nonzero', clip: 'clamp', concat: 'cat',
  concatenate: 'cat', divide: 'div', fix: 'trunc', ger: 'outer', greater: 'gt', greater_equal: 'ge', less: 'lt', less_equal: 'le', moveaxis: 'movedim', multiply: 'mul', ndimension: 'dim',
  negative: 'neg', nelement: 'numel', not_equal: 'ne', row_stack: 'vstack', subtract: 'sub', swapaxes: 'transpose', swapdims: 'transpose', trapz: 'trapezoid', true_divide: 'div',
};

/** What PyTorch advises against, and what it advises instead, by name in camelCase. */
export const deprecated: Readonly<Record<string, string>> = {
  'torch.lstsq': 'linalg.lstsq', 'torch.matrix_rank': 'linalg.matrixRank', 'torch.range': 'arange', 'torch.set_default_tensor_type': 'setDefaultDtype', 'torch.solve': 'linalg.solve',
  'torch.symeig': 'linalg.eigh', 'Tensor.lstsq': 'linalg.lstsq', 'Tensor.solve': 'linalg.solve', 'Tensor.symeig': 'linalg.eigh', 'Tensor.resize': 'x.reshape', 'Tensor.resize_as': 'x.reshapeAs',
  'Tensor.volatile': 'noGrad', 'nn.NLLLoss2d': 'NLLLoss', 'nn.Module.register_backward_hook': 'x.registerHook', 'nn.Module.dump_patches': 'module.stateDict', 'nn.Container': 'Module', 'nn.CrossMapLRN2d': 'F.localResponseNorm', 'nn.functional.upsample': 'F.interpolate',
  'nn.functional.upsample_bilinear': 'F.interpolate', 'nn.functional.upsample_nearest': 'F.interpolate', 'nn.init.constant': 'init.constant_', 'nn.init.dirac': 'init.dirac_',
  'nn.init.eye': 'init.eye_', 'nn.init.kaiming_normal': 'init.kaimingNormal_', 'nn.init.kaiming_uniform': 'init.kaimingUniform_', 'nn.init.normal': 'init.normal_',
  'nn.init.orthogonal': 'init.orthogonal_', 'nn.init.sparse': 'init.sparse_', 'nn.init.uniform': 'init.uniform_', 'nn.init.xavier_normal': 'init.xavierNormal_',
  'nn.init.xavier_uniform': 'init.xavierUniform_', 'nn.utils.clip_grad_norm': 'clipGradNorm_',
};

/** A reason, and the full names it holds for. */
export type Absence = readonly [why: string, names: RegExp];

/** Why a name is missing; the first rule that matches counts. */
export const absent: readonly Absence[] = [
  ['a large sparse eigenproblem; `linalg.eigh` solves dense ones', /\.lobpcg$/],
  ['complex numbers are not in scope', /complex|polar|\.(conj\w*|resolve_conj|resolve_neg|is_conj|is_neg|imag|view_as_real\w*|eigvals|eig|stft|istft|cfloat|cdouble|chalf)$/],
  ['sparse tensors are not in scope', /sparse|\.(coalesce|is_coalesced|c?crow_indices\w*|c?col_indices\w*|row_indices\w*|ccol\w*|indices(_copy)?|values(_copy)?|hspmm|hsmm|spmm|dsmm|smm|sspaddmm|saddmm|dense_dim|to_dense|to_padded_tensor)$/i],
  ['quantised tensors are not in scope', /quant|fbgemm|\.(q_\w+|qscheme|int_repr|choose_qparams\w*)$/],
  ['half precision is loaded and saved, but computes as float32', /autocast|\.(half|bfloat16|float16)$/],
  ['there are no integers of 8 bits with a sign, nor of 16 bits', /\.(short|char|int8|int16)$/],
  ['products of float32 are float32 everywhere', /float32_matmul_precision$/],
  ['data pipes, which PyTorch has given up', /datapipe|DataPipe|DataChunk|DataLoader2|\.(runtime_validation\w*|argument_validation|non_deterministic)$/],
  ['results are the same on every machine; there is nothing to switch', /deterministic|\.set_flush_denormal$/],
  ['every function that makes a tensor takes the option `device`', /\.(get|set)_default_device$/],
  ['a tensor keeps its number of elements: make a new one', /\.resize_(as_)?$/],
  ['named dimensions are not in scope', /\.(names|has_names|name|refine_names|rename_?|align_as|align_to|align_tensors)$/],
  ['several processes or devices at once are not in scope', /DataParallel|SyncBatchNorm|\.(is_distributed|share_memory_?|is_shared|pin_memory|is_pinned|record_stream)$/],
  ['loading in worker processes is not in scope', /\.get_worker_info$/],
  ['hooks on gradients belong to tensors: x.registerHook', /\.register_full_backward(_pre)?_hook$/],
  ['what belongs into a state dict is a Buffer', /\.[gs]et_extra_state$/],
  ['override stateDict and loadStateDict', /\.register_(load_)?state_dict_\w+$/],
  ['assign to the field', /\.set_submodule$/],
  ['make the module anew, or move it with to', /\.to_empty$/],
  ['memory formats are not in scope', /memory_format|\.(layout|dim_order)$/],
  ['there is no mode beyond noGrad', /\.is_inference$/],
  ['profilers of Node and browsers serve', /Profiler|kineto/],
  ['warnings of Python', /warn_always/],
  ['other back ends of PyTorch', /cudnn|mkldnn|miopen|vulkan|xpu|ipu|mps|\.(is_nested|cuda|is_cuda|is_ort|is_meta|is_xla|get_device)$/],
  ['compiler, tracing and packaging of Python', /script|jit|vitals?|\.(compile|nested_compile_region|cond|fork|wait|import_ir_module\w*|parse_\w+|merge_type\w*|unify_type_list|candidate|classproperty|obj|get_file_path|compiled_with\w*|sym_int|prepare_multiprocessing\w*|debug_unwrap|functionalize|init_num_threads)$/],
  ['Python protocols and storages', /dlpack|storage|\.(as_subclass|reinforce|data_ptr|set_data|from_file|get_overridable\w*|module_load|is_tensor_like)$/],
  ['errors of backward passes name their operation anyway', /anomaly/],
  ['inner form of another function, undocumented', /_backward|_copy$|native_|batch_norm_(elemt|stats|gather\w*|update_stats)|unsafe_|_with_indices$|\.(conv_tbc|convolution|constant_pad_nd|affine_grid_generator|grid_sampler\w*|rnn_\w+|lstm|gru|lstm_cell|gru_cell|feature_dropout_?|alpha_dropout_|feature_alpha_dropout_|fused_\w+|group_norm_\w+|nuclear_norm|frobenius_norm|norm_except_dim|embedding_renorm_|dropout_|segment_reduce|boolean_dispatch|handle_torch_function|has_torch_function\w*|assert_int_or_pair|is_same_size|as_strided_|bind|invert_permutation|detach_variable|(get|set)_device_states|check_backward_validity|DeviceType|NestedIOFunction|SavedTensor|variable)$/],
];

/** Names that are still to come. */
export const open: readonly string[] = [];
