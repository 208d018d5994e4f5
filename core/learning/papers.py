"""Papers that learned methods are from."""

KRULL_2019 = (
    "Krull A, Buchholz T-O, Jug F. Noise2Void: learning denoising from single noisy images. IEEE/CVF "
    "Conference on Computer Vision and Pattern Recognition (CVPR), 2019. doi:10.1109/CVPR.2019.00223"
)
GONCHAROVA_2020 = (
    "Goncharova AS, Honigmann A, Jug F, Krull A. Improving blind spot denoising for microscopy. European "
    "Conference on Computer Vision (ECCV) Workshops, 2020. doi:10.1007/978-3-030-66415-2_25"
)
HOECK_2022 = (
    "Höck E, Buchholz T-O, Brachmann A, Jug F, Freytag A. N2V2: fixing Noise2Void checkerboard artifacts "
    "with modified sampling strategies and a tweaked network architecture. European Conference on Computer "
    "Vision (ECCV) Workshops, 2022. doi:10.1007/978-3-031-25069-9_33"
)
LEHTINEN_2018 = (
    "Lehtinen J, Munkberg J, Hasselgren J, Laine S, Karras T, Aittala M, Aila T. Noise2Noise: learning image "
    "restoration without clean data. International Conference on Machine Learning (ICML), 2018. "
    "arXiv:1803.04189"
)
KRULL_2020 = (
    "Krull A, Vičar T, Prakash M, Lalit M, Jug F. Probabilistic Noise2Void: unsupervised content-aware "
    "denoising. Frontiers in Computer Science 2, 5 (2020). doi:10.3389/fcomp.2020.00005"
)
PRAKASH_2020 = (
    "Prakash M, Lalit M, Tomancak P, Krull A, Jug F. Fully unsupervised Probabilistic Noise2Void. IEEE "
    "International Symposium on Biomedical Imaging, 154-158 (2020). doi:10.1109/ISBI45749.2020.9098612"
)
LAINE_2019 = (
    "Laine S, Karras T, Lehtinen J, Aila T. High-quality self-supervised deep image denoising. Advances in "
    "Neural Information Processing Systems 32 (2019). arXiv:1901.10277"
)
PRAKASH_2021 = (
    "Prakash M, Krull A, Jug F. Fully unsupervised diversity denoising with convolutional variational "
    "autoencoders. International Conference on Learning Representations (ICLR), 2021. arXiv:2006.06072"
)
PRAKASH_2022 = (
    "Prakash M, Delbracio M, Milanfar P, Jug F. Interpretable unsupervised diversity denoising and artefact "
    "removal. International Conference on Learning Representations (ICLR), 2022. arXiv:2104.01374"
)
WEIGERT_2018 = (
    "Weigert M, Schmidt U, Boothe T, et al. Content-aware image restoration: pushing the limits of "
    "fluorescence microscopy. Nature Methods 15, 2018. doi:10.1038/s41592-018-0216-7"
)
BROADDUS_2020 = (
    "Broaddus C, Krull A, Weigert M, Schmidt U, Myers G. Removing structured noise with self-supervised "
    "blind-spot networks. IEEE International Symposium on Biomedical Imaging (ISBI), 2020. "
    "doi:10.1109/ISBI45749.2020.9098336"
)
